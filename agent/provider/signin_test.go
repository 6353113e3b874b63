package provider_test

import "testing"

// TestForSignIn: what every place says of a provider leads to its profile, or to
// none; nothing leads to another company's.
func TestForSignIn(t *testing.T) {
	c := load(t)
	for _, s := range []struct {
		kind, word, host, want string
		everybody              bool
	}{
		// GOA 3.46 and later, all its types.
		{"goa", "google", "", "google", true},
		{"goa", "owncloud", "cloud.example", "nextcloud", false},
		{"goa", "owncloud", "cloud.example:8443", "nextcloud", false},
		{"goa", "windows_live", "", "microsoft", true},
		{"goa", "ms_graph", "", "microsoft", true},
		{"goa", "ms365", "", "microsoft", true},
		{"goa", "exchange", "outlook.office365.com", "microsoft", true},
		{"goa", "exchange", "mail.firm.example", "", false},
		{"goa", "imap_smtp", "imap.gmail.com", "google", true},
		{"goa", "imap_smtp", "mail.example", "", false},
		{"goa", "webdav", "cloud.example", "", false},
		{"goa", "webdav", "webdav.icloud.com", "apple", true},
		{"goa", "kerberos", "", "", false},
		{"goa", "fedora", "", "", false},
		{"goa", "flickr", "", "", false},
		{"goa", "foursquare", "", "", false},
		{"goa", "lastfm", "", "", false},
		{"goa", "media_server", "", "", false},
		{"goa", "facebook", "", "", false},
		{"goa", "xiaomi", "", "", false}, // no type of GOA's
		// Other places.
		{"libaccounts", "google", "", "google", true},
		{"libaccounts", "owncloud", "cloud.example", "nextcloud", false},
		{"libaccounts", "nextcloud", "cloud.example", "nextcloud", false},
		{"nextcloud", "nextcloud", "cloud.example", "nextcloud", false},
		{"libaccounts", "flickr", "", "", false},
		{"eds", "carddav", "www.googleapis.com", "google", true},
		{"eds", "caldav", "caldav.icloud.com:443", "apple", true},
		{"eds", "carddav", "cloud.example", "", false},
		{"eds", "carddav", "gmail.com.evil.example", "", false},
		{"eds", "carddav", "", "", false},
		{"eds", "imapx", "imap.gmail.com", "google", true},
		{"eds", "imapx", "mail.example", "", false},
		{"git", "", "", "", false},
	} {
		p, everybody, ok := c.ForSignIn(s.kind, s.word, s.host)
		if p.ID != s.want || everybody != s.everybody || ok != (s.want != "") {
			t.Errorf("ForSignIn(%q, %q, %q) = %q, %v, %v; want %q, %v", s.kind, s.word, s.host, p.ID, everybody, ok, s.want, s.everybody)
		}
	}
}
