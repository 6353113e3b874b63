package binding_test

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
)

func TestHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://cloud.example":              "cloud.example",
		"https://Cloud.Example./sub/":        "cloud.example",
		"https://alice:x@cloud.example:443/": "cloud.example",
		"http://cloud.example:443":           "cloud.example:443",
		"davs://cloud.example:8443/remote":   "cloud.example:8443",
		"https://[2001:DB8::1]:8443/":        "[2001:db8::1]:8443",
		"https://[2001:db8:0:0::1]/":         "2001:db8::1",
		"https://[::ffff:192.0.2.1]/":        "192.0.2.1",
		"https://B\u00dccher.example:8443/":  "xn--bcher-kva.example:8443",
		"https://b%C3%BCcher.example/":       "xn--bcher-kva.example",
		"https://bu\u0308cher.example/":      "xn--bcher-kva.example",
		"https://XN--BCHER-KVA.example/":     "xn--bcher-kva.example",
		"https://my_cloud.example":           "my_cloud.example",
		"cloud.example/x":                    "",
		"https:///x":                         "",
		"":                                   "",
		"https://%zz":                        "",
		"file:///home/me":                    "",
	} {
		if got := binding.Host(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func FuzzHost(f *testing.F) {
	f.Add("https://alice@Cloud.Example:443/x")
	f.Fuzz(func(t *testing.T, address string) {
		if got := binding.Host(address); strings.ContainsAny(got, "/@?#") {
			t.Errorf("%q: %q", address, got)
		}
	})
}
