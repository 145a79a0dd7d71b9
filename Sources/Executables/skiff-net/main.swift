print("skiff-net: nothing here yet")
