// Package hostile holds the tests in which everything that Clearance did not
// write itself is against it: the tree that is copied, the bag that is written
// to and restored from, and the folder that is restored to. It has no code.
//
// Its tests import backup alone, and go-fuse for file systems that lie, hang, or
// are as poor as those of memory cards.
//
// What holds in every case: nothing outside the source is read, nothing outside
// the bag or the target is written, nothing waits for ever, what was not copied
// is named, and sha256sum still finds every file of the bag as it was written.
package hostile
