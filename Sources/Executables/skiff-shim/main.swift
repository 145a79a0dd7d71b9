print("skiff-shim: nothing here yet")
