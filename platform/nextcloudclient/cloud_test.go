package nextcloudclient

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// cloud is a server as the real client wants one: davtest's files, and the few
// answers of Nextcloud's OCS interface that a client asks for first.
func cloud(t *testing.T) (*davtest.Server, *davtest.Account, string) {
	t.Helper()
	s, err := davtest.New(davtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := s.AddUser(davtest.User{Name: "alice", Password: "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var data string
		switch {
		case r.URL.Path == "/status.php":
			fmt.Fprint(w, `{"installed":true,"maintenance":false,"needsDbUpgrade":false,"version":"25.0.1.1","versionstring":"25.0.1","edition":"","productname":"Nextcloud"}`)
			return
		case strings.HasSuffix(r.URL.Path, "/cloud/capabilities"):
			data = `{"version":{"major":25,"minor":0,"micro":1,"string":"25.0.1"},"capabilities":{"core":{"pollinterval":60,"webdav-root":"remote.php/webdav"},"dav":{"chunking":"1.0"},"files":{"bigfilechunking":true}}}`
		case strings.HasSuffix(r.URL.Path, "/cloud/user"):
			data = `{"id":"alice","display-name":"Alice","email":"alice@mail.example"}`
		case strings.HasPrefix(r.URL.Path, "/remote.php/"):
			s.ServeHTTP(w, r)
			return
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ocs":{"meta":{"status":"ok","statuscode":100,"message":"OK"},"data":%s}}`, data)
	}))
	t.Cleanup(front.Close)
	return s, a, front.URL
}
