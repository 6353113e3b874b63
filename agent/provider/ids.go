package provider

// IDForGOA is the id of the profile that [Catalogue.ForGOA] finds.
func (c *Catalogue) IDForGOA(providerType string) (string, bool) {
	p, ok := c.ForGOA(providerType)
	return p.ID, ok
}

// IDForHost is the id of the profile that [Catalogue.ForHost] finds.
func (c *Catalogue) IDForHost(host string) (string, bool) {
	p, ok := c.ForHost(host)
	return p.ID, ok
}
