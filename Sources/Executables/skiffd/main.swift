print("skiffd: nothing here yet")
