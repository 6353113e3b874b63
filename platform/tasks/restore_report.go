package tasks

import (
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
)

// restored is a run's report on the wire.
func restored(from *opened, name string, r *restore.Report) engine.RestoreReport {
	out := engine.RestoreReport{
		Outcome: engine.RestoreComplete, DryRun: r.DryRun, Copy: from.Path(), BagID: r.BagID, Target: name,
		Proof: string(r.Proof), Warnings: warnings(from, r), Bytes: r.Bytes, Newer: int64(r.Newer),
	}
	if !r.Whole() {
		out.Outcome = engine.RestorePartial
	}
	for _, set := range append(restore.Datasets[:len(restore.Datasets):len(restore.Datasets)], "") {
		t, ok := r.Sets[set]
		if !ok {
			continue
		}
		out.Sets = append(out.Sets, engine.RestoreTally{
			Dataset: departure.Dataset(set), Selected: int64(t.Selected), Bytes: t.Bytes, Written: int64(t.Written), Already: int64(t.Already),
			Beside: int64(t.Beside), Failed: int64(t.Failed), LeftOut: int64(t.LeftOut), Undated: int64(t.Undated),
			Unproven: int64(t.Unproven),
		})
	}
	for _, p := range r.Placed {
		if len(out.Items) == engine.MaxRestoreNamed {
			break
		}
		out.Items = append(out.Items, engine.RestoreItem{Dataset: departure.Dataset(p.Dataset), Name: text(p.Title), Where: text(p.Where), Size: p.Size, Beside: p.Beside, Unproven: p.Proof != restore.ByLedger})
	}
	for _, f := range r.Failures {
		if len(out.Failed) == engine.MaxRestoreNamed {
			break
		}
		out.Failed = append(out.Failed, engine.RestoreItem{Dataset: departure.Dataset(f.Dataset), Name: text(f.Title), Where: text(f.Path), Why: why(f)})
	}
	out.More = int64(r.All.Written + r.All.Failed - len(out.Items) - len(out.Failed))
	return out
}

// text is raw bytes as JSON can carry them.
func text(raw string) string { return strings.ToValidUTF8(raw, "\ufffd") }

// reasons are the failures in a person's words.
var reasons = map[restore.Reason]string{
	restore.Damaged:    "it is damaged in the copy, so it was not restored",
	restore.Missing:    "it is no longer in the copy",
	restore.Unlisted:   "nothing says what its bytes must be, so it was not restored",
	restore.Unreadable: "the disk of the copy does not give it",
	restore.Malformed:  "it is whole, but cannot be read as what it is: restore it to a folder",
	restore.Unfit:      "it cannot be held there",
	restore.TooLarge:   "it is too large for that place",
	restore.Conflict:   "other things have both its name and the one beside it",
	restore.Refused:    "it was not taken there",
}

func why(f restore.Failure) string {
	said := reasons[f.Reason]
	if f.Detail == "" {
		return said
	}
	return said + " (" + f.Detail + ")"
}

// warnings are what a person should know of who vouches for the copy, and of its
// own lists.
func warnings(from *opened, r *restore.Report) (list []string) {
	switch {
	case from.vouched == byPlace:
		list = append(list, "the copy says that it is another one than this device made there, though it holds the same: somebody wrote another name into its bag-info.txt. It was held against this device's own list all the same")
	case from.vouched == byAnother:
		list = append(list, "this device did not make this copy, or somebody wrote another name into its bag-info.txt, but it has a list of another copy that holds some of the same: what is on that list was held against it")
		if r.Unlisted > 0 {
			list = append(list, fmt.Sprintf("%d more that this device copied elsewhere are not in this copy", r.Unlisted))
		}
	case from.lists > 0:
		list = append(list, "this device has made copies, and this is none of them. If you expected one of them, somebody has changed it")
	}
	switch r.Proof {
	case restore.ByLedger:
		if n := r.All.Unproven; n > 0 {
			list = append(list, fmt.Sprintf("nothing outside the copy vouches for %d of these: they are not on this device's own list of what it copied. They are earlier versions, files that were changed in the copy, or somebody put them there: look at them before you trust them", n))
		}
	case restore.ByManifest:
		list = append(list, "nothing outside the copy vouches for it: this device has no list of its own of it, so every item was held against the copy's own manifest-sha256.txt. That shows damage, but not what somebody changed or took out on purpose")
	case restore.ByItems:
		list = append(list, "nothing outside the copy vouches for it, and it has lost its manifest-sha256.txt, so every item was held against the sums in items.jsonl")
	}
	if r.Newer > 0 {
		list = append(list, fmt.Sprintf("the copy names a newer version of %d items than this device's own list has. What is on that list was restored; with --versions the newer ones come too, under names of their own", r.Newer))
	}
	if r.Lists != bag.ListsWhole {
		list = append(list, "the lists of the copy are not whole: "+r.ListsWhy+". Something may be missing that nothing shows")
	}
	if r.Unreadable > 0 {
		list = append(list, fmt.Sprintf("%d lines of the copy's lists cannot be read; each may have stood for an item", r.Unreadable))
	}
	return list
}
