package hostile

func bags() []hostile { return nil }
