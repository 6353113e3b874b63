package tasks

import (
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/chromium"
	"github.com/clearance-project/clearance/platform/davfs2"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/firefox"
	"github.com/clearance-project/clearance/platform/gitcredential"
	"github.com/clearance-project/clearance/platform/goa"
	"github.com/clearance-project/clearance/platform/gvfs"
	"github.com/clearance-project/clearance/platform/kdeconnect"
	"github.com/clearance-project/clearance/platform/libaccounts"
	"github.com/clearance-project/clearance/platform/nextcloudclient"
	"github.com/clearance-project/clearance/platform/passwords"
	"github.com/clearance-project/clearance/platform/rclone"
	"github.com/clearance-project/clearance/platform/thunderbird"
)

// newPlaces are the kinds of places on this device where an account can be
// registered, in the order in which a person reads of them. A new one is a folder
// and a line here (platform/binding says how).
func (w *Worker) newPlaces() []binding.Place {
	return []binding.Place{
		goa.NewAccounts(w.goa),
		eds.NewByHand(w.eds, w.secrets, w.edsDirs(), w.cfg.Dirs.Config),
		eds.NewSandboxed(w.cfg.Dirs),
		libaccounts.New(w.cfg.Dirs, w.cfg.Bus),
		nextcloudclient.New(w.cfg.Dirs, w.secrets),
		thunderbird.New(w.cfg.Dirs),
		rclone.New(w.cfg.Dirs),
		gitcredential.New(w.cfg.Dirs),
		gvfs.New(w.cfg.Bus),
		davfs2.New(w.cfg.Dirs),
		chromium.New(w.cfg.Dirs),
		firefox.New(w.cfg.Dirs),
		kdeconnect.New(w.cfg.Dirs),
		passwords.New(w.secrets, w.cfg.Bus, w.cfg.Dirs),
	}
}
