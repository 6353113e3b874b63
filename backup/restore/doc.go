// Package restore brings items of a bag back: to a folder, to one .vcf or .ics
// file, or to any other [Target], such as address books and servers, which the
// platform adds.
//
// It imports backup/bag, ledger, source, disk and place.
//
// Invariants:
//   - Nothing reaches its place before all of its bytes were read and have the
//     sum that the ledger, or where there is none the manifest, has for them.
//     What does not is a failure, by name, and stops no other item.
//   - The ledger says which version of an item is meant; no line of the copy puts
//     another in its place. What the ledger does not have is proven by nothing
//     outside the copy: it is counted so ([Tally].Unproven) and comes after the
//     rest, so that it takes no name or UID from that.
//   - Nothing that is there is overwritten, changed or removed. Where another
//     file has the name, ours lands beside it: "name~restored-<sum>.ext"; where
//     another object has the UID, ours gets one made of the UID and the content.
//   - The names made for that follow from the content, so that doing it again
//     adds nothing, wherever the first time ended.
//   - Names in the bag's lists are hostile: whatever they hold, a file lands
//     beneath "<target>/<dataset>/", and no link is followed.
//   - A run that left anything out that was asked for ends as Partial.
package restore
