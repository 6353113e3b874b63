package departure

import "time"

// Facts is everything that a verdict rests on: what was observed, and what was
// said. The zero value of each part means that it is not known.
type Facts struct {
	Departure Departure
	Health    Health
	Look      Look
	Trackers  Trackers
	Kinds     []SeenKind // ever seen in this departure
	// Record of the departure so far, kept by the engine.
	Sources        []KnownSource
	Bindings       []KnownBinding
	Separate       []OtherHolder // the accounts that must stay, bound when the departure began
	Devices        []Device
	Words          []Word
	Authorisation  *Authorisation // the latest
	Grants         []Grant
	Acts           []Act
	Seal           *Seal
	Ledger         Digest // the ledger's digest as the last backup or verify left it
	Submitted      time.Time
	Assured        Assurance // personal or system: who runs the agent
	ServerRequired time.Time // at Issue and Redeem: a server listing must have ended after this
}

// Departure is what was asked for when the leaving began.
type Departure struct {
	ID      string     `json:"id"`
	Account Account    `json:"account"`
	Intent  Intent     `json:"intent"`
	Path    string     `json:"path"` // id of the deletion path, for delete
	Fate    DeviceFate `json:"fate"`
	// Extra are datasets of this device's own to copy as well.
	Extra []Dataset `json:"extra,omitempty"`
	// Shared: what other people share with the account is copied too.
	Shared bool      `json:"shared,omitempty"`
	Opened time.Time `json:"opened"`
	By     string    `json:"by"`
}

// Health says whether the agent itself can see. False is not healthy.
type Health struct {
	Worker bool   `json:"worker"`
	Buses  bool   `json:"buses"`
	Store  bool   `json:"store"`
	Clock  bool   `json:"clock"`
	Why    Reason `json:"why"`
}

// Look is one full observation of this device and of the server by the worker.
type Look struct {
	At       time.Time     `json:"at"` // when it began; zero: there was none
	EndedAt  time.Time     `json:"ended_at"`
	Complete bool          `json:"complete"` // the set of sources and bindings is known in full
	Why      Reason        `json:"why"`      // why not
	Listings []Listing     `json:"listings"`
	Copy     Copy          `json:"copy"`
	Kept     Kept          `json:"kept"`
	Bindings []Binding     `json:"bindings"` // every binding of the account that is here now, or that cannot be judged
	Hints    []Hint        `json:"hints,omitempty"`
	Others   []OtherHolder `json:"others"` // the other accounts bound on this device
	Kinds    []SeenKind    `json:"kinds,omitempty"`
}

// Listing is one source listed at its origin and held against the ledger.
type Listing struct {
	Source   Source    `json:"source"`
	Complete bool      `json:"complete"`
	Why      Reason    `json:"why"` // why it is not complete
	EndedAt  time.Time `json:"ended_at"`
	// SameAt is when the server last showed, by its own mark of the whole, that
	// nothing had changed since EndedAt; zero where it did not. It is good for the
	// display alone.
	SameAt time.Time `json:"same_at,omitzero"`
	// Unmarked: the server has no mark of the whole, so that only listing it in
	// full tells of a change.
	Unmarked bool   `json:"unmarked,omitempty"`
	Keys     Digest `json:"keys"` // over the sorted (id, revision) pairs
	Items    int64  `json:"items"`
	Bytes    int64  `json:"bytes"`
	Covered  int64  `json:"covered"` // items whose present revision is in the ledger
	Failed   int64  `json:"failed"`  // items that could not be copied, by name in Failures
	Failures Digest `json:"failures"`
	// Unsound counts those of Covered that are in the copy as they were at their
	// source, and are not what they should be: a picture that is cut off, a
	// contact that does not parse. By name in Unsounds.
	Unsound  int64  `json:"unsound,omitempty"`
	Unsounds Digest `json:"unsounds,omitempty"`
	// Beside counts those of Covered that a person would not count at the
	// provider: what lies beside a photo, an image in a note, a contact that
	// another file given has too.
	Beside int64 `json:"beside,omitempty"`
	// Aside counts those of Items, in the copy or not, that lie beside what a
	// person counts. It is for the numbers that are shown before there is a copy.
	Aside int64 `json:"aside,omitempty"`
	// Export names the export that the source is, where nothing in it shows that
	// its last part is here; Parts is how many are.
	Export string `json:"export,omitempty"`
	Parts  int64  `json:"parts,omitempty"`
	// OnlyCloud counts the items that no copy on this device holds.
	OnlyCloud      int64 `json:"only_cloud"`
	OnlyCloudBytes int64 `json:"only_cloud_bytes"`
}

// Counted is how many items a person counts at the provider, as far as their names
// and what is copied of them tell.
func (l Listing) Counted() int64 { return max(0, l.Items-max(0, l.Aside, l.Beside)) }

// Missing is how many items are neither in the ledger nor a named failure. A
// count that cannot be counts as missing.
func (l Listing) Missing() int64 {
	if l.Items < 0 || l.Covered < 0 || l.Failed < 0 {
		return max(1, l.Items)
	}
	return max(0, l.Items-l.Covered-l.Failed)
}

// PlaceState says whether the copy lies apart from what disappears.
type PlaceState string

// The states of a place. The zero value is not known.
const (
	PlaceApart    PlaceState = "apart"
	PlaceSameDisk PlaceState = "same-disk" // this device's own disk: good only while the device is kept
	PlaceRefused  PlaceState = "refused"   // in what disappears, or where nothing can be proved
	PlaceUnset    PlaceState = "unset"     // no destination chosen yet
)

// Copy is what is known of the copy at its destination.
type Copy struct {
	Place    PlaceState `json:"place"`
	PlaceWhy Reason     `json:"place_why"`
	Shown    string     `json:"shown"`   // the folder, for a person
	Present  bool       `json:"present"` // recognised now by filesystem and bag id
	Disk     string     `json:"disk"`    // filesystem uuid or f_fsid
	// DiskName is what a person calls the disk; empty for this device's own.
	DiskName string `json:"disk_name,omitempty"`
	// Lacks says to a person what the disk cannot keep of a file.
	Lacks  string `json:"lacks,omitempty"`
	BagID  string `json:"bag_id"`
	Need   int64  `json:"need"` // bytes still to copy
	Free   int64  `json:"free"` // bytes free at the destination
	Ledger Digest `json:"ledger"`
	Items  int64  `json:"items"`
	Bytes  int64  `json:"bytes"`
	// Unread counts the items not read back since they were written.
	Unread int64 `json:"unread"`
	// Damaged counts the items that the last read-back found missing or changed.
	Damaged int64 `json:"damaged"`
	// Differs counts the items whose stat is no longer the one that the
	// read-back took, or that are no longer there.
	Differs    int64     `json:"differs"`
	OldestRead time.Time `json:"oldest_read"` // the longest-ago read-back of any item
	LatestRead time.Time `json:"latest_read"` // the last read-back of any item
	ReadBack   ReadBack  `json:"read_back"`   // the last run of the reading, for a person
	Stats      Digest    `json:"stats"`       // over every item's stat at the destination
}

// ReadBack says how the last reading back of the copy ended: when, how much,
// where and how. What counts is told of each item, in Copy.
type ReadBack struct {
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Items   int64     `json:"items"`   // read back then, and right
	Bytes   int64     `json:"bytes"`   // of these
	Direct  int64     `json:"direct"`  // of these items, read past the cache
	Dropped int64     `json:"dropped"` // of these items, read after the cache was seen to have dropped them
	Stood   int64     `json:"stood"`   // had been read back before, and still counted
	Wrong   int64     `json:"wrong"`   // damaged, missing, or not to be read
	Disk    string    `json:"disk"`
	BagID   string    `json:"bag_id"`
}

// Kept is what is known of the books of this device's own that step 4 fills.
type Kept struct {
	Needed  int64  `json:"needed"`  // items that would leave this device
	Present int64  `json:"present"` // of these, read back from the device's own books
	Known   bool   `json:"known"`
	Why     Reason `json:"why"`
	// CopyOnly are the sources of contacts, notes and calendars that would leave
	// this device and that no book of its own takes: another program keeps them.
	CopyOnly []SourceID `json:"copy_only,omitempty"`
}

// TrackerState is what an implementer of Find My Device says.
type TrackerState string

// The states of Find My Device. The zero value counts as unknown.
const (
	TrackerOn      TrackerState = "on"
	TrackerOff     TrackerState = "off"
	TrackerUnknown TrackerState = "unknown"
)

// Trackers is what was seen of Find My Device on the system bus.
type Trackers struct {
	Complete bool      `json:"complete"` // the bus was asked and answered in full
	Why      Reason    `json:"why"`
	Seen     []Tracker `json:"seen"` // those that count and are for this account, and those seen once and now absent
	Others   []Tracker `json:"others,omitempty"`
	// Here are programs of this device that can find it, known by their files and
	// services alone.
	Here []LocalTracker `json:"here,omitempty"`
}

// Tracker is one implementer of Find My Device that counts.
type Tracker struct {
	Name        string       `json:"name"` // its bus name
	State       TrackerState `json:"state"`
	Why         Reason       `json:"why"`
	ConfirmedBy string       `json:"confirmed_by,omitempty"` // its own claim
	Simulated   bool         `json:"simulated"`
}

// KnownSource is a source that was once listed in full.
type KnownSource struct {
	Source Source `json:"source"`
	Items  int64  `json:"items"` // at the last listing that was complete and not a refused drop
}

// DeviceState is what is known of a linked device.
type DeviceState string

// The states of a linked device. The zero value is not known.
const (
	DeviceReported  DeviceState = "reported"
	DeviceSignedOut DeviceState = "signed-out"
	DeviceSold      DeviceState = "sold"
	DeviceLost      DeviceState = "lost"
	DeviceWiped     DeviceState = "wiped"
)

// Settled reports whether nothing of the account is expected on the device.
func (s DeviceState) Settled() bool {
	switch s {
	case DeviceReported, DeviceSignedOut, DeviceSold, DeviceLost, DeviceWiped:
		return true
	}
	return false
}

// Device is one of the account's linked devices, this one left out.
type Device struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	State DeviceState `json:"state"`
}

// Seal is the last full listing before something irreversible, one row a source.
type Seal struct {
	At   time.Time `json:"at"`
	End  time.Time `json:"end"`
	Rows []SealRow `json:"rows"`
}

// SealRow is the sealed state of one source.
type SealRow struct {
	Source Source    `json:"source"`
	Keys   Digest    `json:"keys"`
	Items  int64     `json:"items"`
	End    time.Time `json:"end"`
	Intact bool      `json:"intact"`
	Why    Reason    `json:"why"`
}

// Row is the seal's row for a source, nil where it has none.
func (s *Seal) Row(id SourceID) *SealRow {
	if s == nil {
		return nil
	}
	for i := range s.Rows {
		if s.Rows[i].Source.ID == id {
			return &s.Rows[i]
		}
	}
	return nil
}

// Handed reports whether the deletion was asked for from this device, still
// signed in: from then on the server's part stays as it was sealed, for what the
// server shows of the account is what the deletion left of it.
func (f Facts) Handed(p Profile) bool {
	return f.Departure.Intent == Delete && p.Path.Needs == SignedInHere && !f.Submitted.IsZero()
}

// Sealed reports whether a source is judged by its row in the seal alone.
func (f Facts) Sealed(p Profile, s Source) bool {
	return f.Handed(p) && s.Remote && s.OfAccount && f.Seal.Row(s.ID) != nil
}

// Reseal is the rows of a new seal: those just taken, and in place of what could
// not be listed any more the rows of the seal before, which go on standing for
// it.
func (f Facts) Reseal(p Profile, fresh []SealRow) []SealRow {
	var rows []SealRow
	for _, row := range fresh {
		if f.Departure.Required(row.Source) && !f.Sealed(p, row.Source) {
			rows = append(rows, row)
		}
	}
	if f.Seal == nil {
		return rows
	}
	next := Seal{Rows: rows}
	for _, row := range f.Seal.Rows {
		if next.Row(row.Source.ID) == nil && (Unbound(f.Bindings) || f.Sealed(p, row.Source)) {
			rows = append(rows, row)
		}
	}
	return rows
}
