package restore_test

func victim(string) {}
