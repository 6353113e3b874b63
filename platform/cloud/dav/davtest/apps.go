package davtest

import (
	"encoding/json"
	"net/http"
)

// ordinaryApps are what a server shows whose apps are all listed by DAV.
var ordinaryApps = []string{"dashboard", "files", "photos", "activity", "contacts", "calendar", "tasks", "notes"}

// SetApps makes the server show these apps beside the ordinary ones, each called
// as its id.
func (s *Server) SetApps(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps = ids
}

// navigation answers as Nextcloud's core/Controller/NavigationController.php does
// for format=json.
func (s *Server) navigation(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("OCS-APIRequest") != "true" || r.URL.Query().Get("format") != "json" {
		http.Error(w, "CSRF check failed", http.StatusPreconditionFailed)
		return
	}
	type entry struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Href string `json:"href"`
		Type string `json:"type"`
	}
	s.mu.Lock()
	data := []entry{}
	for _, id := range append(append([]string{}, ordinaryApps...), s.apps...) {
		data = append(data, entry{ID: id, Name: id, Href: "/apps/" + id + "/", Type: "link"})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// A client that is gone gets no answer.
	_ = json.NewEncoder(w).Encode(map[string]any{"ocs": map[string]any{"meta": map[string]any{"status": "ok", "statuscode": 200}, "data": data}})
}
