package hostile

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// inBag gives the path of a name in the bag.
func (h *home) inBag(name string) string { return h.bagDir() + "/" + name }

// swap puts a link to somewhere in place of what the bag has at name. What was
// there waits beside the bag.
func swap(name, to string) func(h *home) {
	return func(h *home) {
		if err := os.Rename(h.inBag(name), h.dir+"/was"); err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		must(h.t, os.MkdirAll(filepath.Dir(h.inBag(name)), 0o700))
		must(h.t, os.Symlink(strings.NewReplacer("$", h.outside, "WAS", h.dir+"/was").Replace(to), h.inBag(name)))
	}
}

// text puts a text in place of what the bag has at name.
func text(name, text string) func(h *home) {
	return func(h *home) {
		_ = os.Chmod(h.inBag(name), 0o600) // it need not be there
		must(h.t, os.WriteFile(h.inBag(name), []byte(text), 0o600))
	}
}

// pipe puts a pipe there.
func pipe(name string) func(h *home) {
	return func(h *home) {
		if err := os.Remove(h.inBag(name)); err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		must(h.t, unix.Mkfifo(h.inBag(name), 0o600))
	}
}

// journal is a line of the journal with the right sum.
func journal(json string) string {
	return fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(json), crc32.MakeTable(crc32.Castagnoli)), json)
}

const photo = "data/photos/Pictures/kept.jpg"

// bags are bags that somebody else had in hand.
func bags() []hostile {
	sum := strings.Repeat("0a", 32)
	moves := func(temp, to string) string {
		return journal(fmt.Sprintf(`{"dataset":"photos","id":"x","path":%q,"size":1,"sha256":"%s","state":"copied","temp":%q}`, to, sum, temp))
	}
	fold := func(name, to string) func(h *home) {
		return func(h *home) {
			must(h.t, os.Mkdir(h.inBag(".clearance/fold"), 0o700))
			must(h.t, os.Symlink(strings.ReplaceAll(to, "$", h.outside), h.inBag(".clearance/fold/"+name)))
		}
	}
	both := []string{"kept", "new"}
	const link, noFolder = "symbolic link", "cannot write the copy"
	return []hostile{
		{name: "a bag whose data is a link", tamper: swap("data", "WAS"), refused: link},
		{name: "a bag whose data leads outside", tamper: swap("data", "$"), refused: link},
		{name: "a bag whose photos are a link", tamper: swap("data/photos", "WAS"), refused: link},
		{name: "a bag whose photos lead outside", tamper: swap("data/photos", "$"), refused: link},
		{name: "a bag whose album is a link", tamper: swap("data/photos/Pictures", "$"), refused: link},
		{name: "a bag whose photo is a link", tamper: swap(photo, "$/canary.jpg"), holds: both},
		{name: "a bag whose photo is a pipe", tamper: pipe(photo), holds: both},
		{name: "a bag whose photo is a folder", tamper: func(h *home) {
			must(h.t, os.Remove(h.inBag(photo)))
			must(h.t, os.Mkdir(h.inBag(photo), 0o700))
		}, holds: both},
		{name: "a bag with another disk in its album", tamper: func(h *home) {
			mount(h, h.outside, h.inBag("data/photos/Pictures"), "", unix.MS_BIND, "")
		}, refused: "mounted"},
		{name: "a bag whose own folder is a link", tamper: swap(".clearance", "$"), refused: link, unrestored: link},
		{name: "a bag whose temporary folder is a link", tamper: swap(".clearance/tmp", "$"), refused: link},
		{name: "a bag whose lock is a link", tamper: swap(".clearance/lock", "$/canary.jpg"), refused: noFolder},
		{name: "a bag whose lock is a pipe", tamper: pipe(".clearance/lock"), refused: "regular file"},
		{name: "a bag whose journal is a link", tamper: swap(".clearance/journal", "$/canary.jpg"), refused: noFolder, unrestored: "journal"},
		{name: "a bag whose journal is a pipe", tamper: pipe(".clearance/journal"), refused: "regular file", unrestored: "regular file"},
		{name: "a journal of noise", tamper: text(".clearance/journal", strings.Repeat("\x00\xff\n", 5000)), holds: both},
		{name: "a journal without line ends", tamper: text(".clearance/journal", strings.Repeat("x", 2<<20)), holds: both},
		{name: "a journal that moves what is outside", tamper: text(".clearance/journal", moves("../outside/canary.jpg", "data/x")), holds: both},
		{name: "a journal that moves the manifest", tamper: text(".clearance/journal", moves("manifest-sha256.txt", "data/x")), holds: both},
		{name: "a journal that moves a photo", tamper: text(".clearance/journal", moves(photo, "data/x")), holds: both},
		{name: "a journal that moves out of the bag", tamper: func(h *home) {
			must(h.t, os.WriteFile(h.inBag(".clearance/tmp/x"), []byte("x"), 0o600))
			text(".clearance/journal", moves(".clearance/tmp/x", "data/../../outside/x"))(h)
		}, holds: both},
		{name: "a journal of what is not there", tamper: text(".clearance/journal", moves(".clearance/tmp/none", "data/none")), holds: both},
		{name: "lists that wait and are links", tamper: fold("manifest-sha256.txt", "$/canary.jpg"), refused: "manifest-sha256.txt", unrestored: "manifest-sha256.txt"},
		{name: "a list that waits and is a folder", tamper: func(h *home) {
			must(h.t, os.MkdirAll(h.inBag(".clearance/fold/manifest-sha256.txt/x"), 0o700))
		}, refused: "manifest-sha256.txt", unrestored: "manifest-sha256.txt"},
		{name: "waiting lists that are a link", tamper: swap(".clearance/fold", "$"), refused: link, unrestored: link},
		{name: "a bag without a manifest", tamper: func(h *home) { must(h.t, os.Remove(h.inBag("manifest-sha256.txt"))) }, holds: both},
		{name: "a manifest that is a link", tamper: swap("manifest-sha256.txt", "WAS"), refused: "manifest-sha256.txt", unrestored: "manifest-sha256.txt"},
		{name: "a manifest that leads outside", tamper: swap("manifest-sha256.txt", "$/canary.jpg"), refused: "manifest-sha256.txt", unrestored: "manifest-sha256.txt"},
		{name: "a manifest that is a pipe", tamper: pipe("manifest-sha256.txt"), refused: "manifest-sha256.txt", unrestored: "manifest-sha256.txt"},
		{name: "a manifest that names what is outside", tamper: func(h *home) {
			old, err := os.ReadFile(h.inBag("manifest-sha256.txt"))
			must(h.t, err)
			text("manifest-sha256.txt", string(old)+sum+"  ../outside/canary.jpg\n"+sum+"  /etc/passwd\n"+sum+"  data/../../x\n")(h)
		}, holds: both},
		{name: "a tag manifest that leads outside", tamper: swap("tagmanifest-sha256.txt", "$/canary.jpg"), holds: both},
		{name: "a list of items that leads outside", tamper: swap("items.jsonl", "$/canary.jpg"), refused: "items.jsonl", unrestored: "items.jsonl"},
		{name: "a list of items that is a pipe", tamper: pipe("items.jsonl"), refused: "items.jsonl", unrestored: "items.jsonl"},
		{name: "a list of items without line ends", tamper: text("items.jsonl", strings.Repeat("{", 4<<20)), holds: both},
		{name: "items that lie outside", tamper: text("items.jsonl", strings.ReplaceAll(`{"dataset":"photos","account":"alice@example.org","source":"Pictures","id":"a","path":"data/../../outside/canary.jpg","size":28,"sha256":"SUM","state":"copied"}
{"dataset":"photos","account":"alice@example.org","source":"Pictures","id":"b","path":"/etc/passwd","size":1,"sha256":"SUM","state":"copied"}
{"dataset":"../..","account":"alice@example.org","source":"../..","id":"../../c","path":"`+photo+`","size":4,"sha256":"SUM","state":"copied"}
`, "SUM", sum)), holds: both},
		{name: "a list of failures that leads outside", tamper: swap("failures.jsonl", "$/canary.jpg"), refused: "failures.jsonl"},
		{name: "a bag that says nothing of itself", tamper: text("bag-info.txt", ""), refused: "names no copy", unrestored: "names no copy"},
		{name: "a bag that says too much of itself", tamper: func(h *home) { must(h.t, os.Truncate(h.inBag("bag-info.txt"), 1<<40)) }, refused: "too large", unrestored: "too large"},
		{name: "a bag that declares too much", tamper: func(h *home) { must(h.t, os.Truncate(h.inBag("bagit.txt"), 1<<40)) }, refused: "too large", unrestored: "too large"},
		{name: "a bag whose name for itself leads outside", tamper: swap("bag-info.txt", "$/canary.jpg"), refused: noFolder, unrestored: "bag-info.txt"},
		{name: "a bag whose name for itself is a pipe", tamper: pipe("bag-info.txt"), refused: "no bag-info.txt", unrestored: "no bag-info.txt"},
		{name: "a bag that is a link", tamper: func(h *home) {
			must(h.t, os.Rename(h.bagDir(), h.dir+"/elsewhere"))
			must(h.t, os.Symlink(h.dir+"/elsewhere", h.bagDir()))
		}, holds: both},
		{name: "a bag that is a link to what is none", tamper: func(h *home) {
			must(h.t, os.Rename(h.bagDir(), h.dir+"/elsewhere"))
			must(h.t, os.Symlink(h.outside, h.bagDir()))
		}, refused: "no bag-info.txt", unrestored: "no bag-info.txt"},
		{name: "a target that is a link", target: func(h *home) {
			must(h.t, os.Mkdir(h.dir+"/there", 0o700)) // the person's own word names it
			must(h.t, os.Symlink(h.dir+"/there", h.target()))
		}},
		{name: "a target whose photos are a link", target: func(h *home) {
			must(h.t, os.Mkdir(h.target(), 0o700))
			must(h.t, os.Symlink(h.outside, h.target()+"/photos"))
		}},
		{name: "a target whose album is a link", target: func(h *home) {
			must(h.t, os.MkdirAll(h.target()+"/photos", 0o700))
			must(h.t, os.Symlink(h.outside, h.target()+"/photos/Pictures"))
		}},
		{name: "a target whose photo is a link", target: func(h *home) {
			must(h.t, os.MkdirAll(h.target()+"/photos/Pictures", 0o700))
			must(h.t, os.Symlink(h.outside+"/canary.jpg", h.target()+"/photos/Pictures/kept.jpg"))
		}},
		{name: "a target whose photo is a pipe", target: func(h *home) {
			must(h.t, os.MkdirAll(h.target()+"/photos/Pictures", 0o700))
			must(h.t, unix.Mkfifo(h.target()+"/photos/Pictures/kept.jpg", 0o600))
		}},
		{name: "a target whose own folder is a link", target: func(h *home) {
			must(h.t, os.Mkdir(h.target(), 0o700))
			must(h.t, os.Symlink(h.outside, h.target()+"/.clearance-restore"))
		}, unrestored: link},
		{name: "a target that is a pipe", target: func(h *home) { must(h.t, unix.Mkfifo(h.target(), 0o600)) }, unrestored: "?"},
		{name: "a target in the bag", target: func(h *home) { must(h.t, os.Symlink(h.bagDir()+"/data", h.target())) }, unrestored: "it lies in the copy itself"},
	}
}
