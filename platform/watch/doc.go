// Package watch tells at once that something changed in or under a folder, for
// sources that are plain files. It stands on fsnotify (inotify), which knows
// neither recursion nor the end of a write.
//
// It imports backup/place for the mounts, and nothing else of ours.
//
// Invariants:
//
//   - The fact that something changed is never lost. Changed is called for
//     every batch of events, at once and undebounced; a slow callback gets one
//     call for what came in meanwhile. A queue that overflowed, a folder that
//     was replaced and a watch that was added late are each followed by a call
//     made after the watching (again) covers the whole tree.
//   - After Fence returned nil, Changed has returned for every change that was
//     complete before Fence was called, but for the blind spots below.
//   - Only the waking is throttled, with a ceiling.
//   - What cannot be watched is polled and says so; nothing blocks because of it.
//     Of a far mount that gives no answer one call at most waits in each watcher;
//     no fence of what lies there passes, and each says why.
//
// What a folder is told of: names made, removed and moved, content written,
// mode, owner, times and extended attributes, at any depth, within one root.
// Symbolic links are not followed, a root that is one is.
//
// Blind spots, by the kernel's design (inotify(7)): a write through a shared
// mmap raises no event, not even when it is written back, so it is found by the
// next listing alone (its mtime has changed by then); the far side of NFS, SMB
// and FUSE is not seen, so such roots are polled; a filesystem mounted over a
// watched folder is noticed by Recheck (once a minute, and at each Fence).
//
// Order within one watcher: one goroutine owns all state (loop.go) and puts
// facts into a queue; a second hands them to Changed (deliver.go); a third
// wakes (throttle.go); each polled root has at most one more.
package watch
