print("skiff-runtime: nothing here yet")
