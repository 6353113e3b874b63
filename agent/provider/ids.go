package provider

// IDForSignIn is the id of the profile that [Catalogue.ForSignIn] finds, "" for
// none.
func (c *Catalogue) IDForSignIn(kind, word, host string) (id string, everybody bool) {
	p, everybody, _ := c.ForSignIn(kind, word, host)
	return p.ID, everybody
}
