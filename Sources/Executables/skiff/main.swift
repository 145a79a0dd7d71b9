print("skiff: nothing here yet")
