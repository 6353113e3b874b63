package source

// Holds reports whether have says everything that want says; it may say more, as
// a store may add properties of its own. Both are of [ContactSays].
func Holds(have, want []string) bool {
	i := 0
	for _, w := range want {
		for i < len(have) && have[i] < w {
			i++
		}
		if i == len(have) || have[i] != w {
			return false
		}
		i++
	}
	return true
}
