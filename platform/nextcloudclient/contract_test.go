package nextcloudclient

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/session"
)

func TestContractBindings(t *testing.T) {
	t.Run("nextcloudclient", func(t *testing.T) { bindingtest.Run(t, rig) })
}

// rig signs in and out as the client does: accounts of its configuration, secrets
// as qtkeychain stores them, and the cookies beside.
func rig(t *testing.T) *bindingtest.Rig {
	d := start(t, session.KeyringUnlocked)
	const url, otherURL = "https://cloud.example", "https://other.example:8443"
	cookies := filepath.Join(d.ConfigHome, "Nextcloud", "cookies0.db")
	var other []string
	byHand := func(context.Context, *testing.T) {
		d.configure(other...)
		if out, err := d.Command(d.ctx, "secret-tool", "clear", "user", "alice:"+url+"/:0").CombinedOutput(); err != nil {
			d.t.Fatalf("%v: %s", err, out)
		}
		if err := os.Remove(cookies); !errors.Is(err, fs.ErrNotExist) {
			d.must(err)
		}
	}
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "nextcloud", User: "alice", Host: "cloud.example"},
		OtherWho: binding.Who{Type: "nextcloud", User: "bob", Host: "other.example:8443"},
		SignIn: func(context.Context, *testing.T) {
			d.configure(append(d.account(url), other...)...)
			d.keep("alice:" + url + "/:0")
			d.must(os.WriteFile(cookies, nil, 0o600))
		},
		Other: func(context.Context, *testing.T) {
			other = []string{`1\url=` + otherURL, `1\dav_user=bob`, `1\webflow_user=bob`}
			d.configure(other...)
			d.keep("bob:" + otherURL + "/:1")
		},
		ByHand:      byHand,
		LeaveBehind: func(context.Context, *testing.T) { d.configure(other...) },
		Break:       func(context.Context, *testing.T) { d.configure("no key and no value") },
		Flood: func(context.Context, *testing.T) {
			var lines []string
			for i := range maxAccounts + 1 {
				lines = append(lines, fmt.Sprintf(`%d\url=https://%d.example`, i+10, i))
			}
			d.configure(lines...)
		},
	}
}
