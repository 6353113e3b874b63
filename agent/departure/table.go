package departure

import "time"

const (
	// SealLife is how long a seal holds before an irreversible act.
	SealLife = 10 * time.Minute
	// ServerLife is how long a listing at the server, or the server's own word that
	// nothing changed since, holds for the display.
	ServerLife = 10 * time.Minute
	// ListingLife is how long a listing is carried by the server's word alone.
	ListingLife = time.Hour
	// ReadLife is how long a read-back holds.
	ReadLife = 24 * time.Hour
	// VerdictLife is how long a verdict holds.
	VerdictLife = 5 * time.Minute
)

// line is one row of the check table.
type line struct {
	id    CheckID
	stage Stage
	// deleteOnly rows are n/a for sign-out and switch.
	deleteOnly bool
	// policyWaives: a policy may let a person pass this row.
	policyWaives bool
	judge        func(*judge) Check
}

// table is the check table of the domain, in the order in which a person reads
// it. A row's judge sets status, reason, counts, remedy and ask.
var table = []line{
	{id: AgentHealthy, stage: Release, judge: (*judge).agentHealthy},
	{id: PolicyAllows, stage: Release, judge: (*judge).policyAllows},
	{id: InventoryComplete, stage: Release, judge: (*judge).inventoryComplete},
	{id: DestinationApart, stage: Release, judge: (*judge).destinationApart},
	{id: BackupOf(Photos), stage: Release, judge: backup(Photos)},
	{id: BackupOf(Contacts), stage: Release, judge: backup(Contacts)},
	{id: BackupOf(Notes), stage: Release, judge: backup(Notes)},
	{id: BackupOf(Calendars), stage: Release, judge: backup(Calendars)},
	{id: BackupOf(Files), stage: Release, judge: backup(Files)},
	{id: BackupVerified, stage: Release, judge: (*judge).backupVerified},
	{id: KeptHere, stage: Release, judge: (*judge).keptHere},
	{id: UncoveredAcknowledged, stage: Release, policyWaives: true, judge: (*judge).uncovered},
	{id: RecordsPurchases, stage: Release, deleteOnly: true, policyWaives: true, judge: (*judge).purchases},
	{id: ConsequencesAcknowledged, stage: Release, deleteOnly: true, policyWaives: true, judge: (*judge).consequences},
	{id: RosterSignedOut, stage: Release, deleteOnly: true, judge: (*judge).roster},
	{id: AuthorizeGranted, stage: Release, judge: (*judge).authorizeGranted},
	{id: SealRecent, stage: Release, judge: (*judge).sealRecent},
	{id: SealIntact, stage: Ready, judge: (*judge).sealIntact},
	{id: ServerSeen, stage: Ready, deleteOnly: true, judge: (*judge).serverSeen},
	{id: FindMyDeviceOff, stage: Ready, judge: (*judge).findMyDeviceOff},
	{id: BindingsRemoved, stage: Ready, judge: (*judge).bindingsRemoved},
	{id: AccountsSeparate, stage: Ready, judge: (*judge).accountsSeparate},
}

// spoken are the names of the checks in what a person reads and types.
var spoken = map[CheckID]string{
	AgentHealthy:             "agent",
	PolicyAllows:             "policy",
	InventoryComplete:        "listing",
	DestinationApart:         "place",
	BackupOf(Photos):         "photos",
	BackupOf(Contacts):       "contacts",
	BackupOf(Notes):          "notes",
	BackupOf(Calendars):      "calendars",
	BackupOf(Files):          "files",
	BackupVerified:           "read-back",
	KeptHere:                 "kept-here",
	UncoveredAcknowledged:    "not-covered",
	RecordsPurchases:         "purchases",
	ConsequencesAcknowledged: "consequences",
	RosterSignedOut:          "devices",
	AuthorizeGranted:         "authorise",
	SealRecent:               "last-look",
	SealIntact:               "nothing-new",
	ServerSeen:               "server",
	FindMyDeviceOff:          "find-my-device",
	BindingsRemoved:          "signed-out-here",
	AccountsSeparate:         "other-accounts",
}

// Spoken is the check's name for a person, to read and to type.
func (id CheckID) Spoken() string {
	if s, ok := spoken[id]; ok {
		return s
	}
	return string(id)
}

// CheckNamed finds a check by its id or by its spoken name.
func CheckNamed(name string) (CheckID, bool) {
	for id, s := range spoken {
		if name == s || name == string(id) {
			return id, true
		}
	}
	return "", false
}

// Evaluate holds the facts against the check table. It is pure: equal input
// gives an equal verdict.
func Evaluate(f Facts, p Profile, pol Policy, now time.Time) Verdict {
	j := newJudge(f, p, pol, now)
	v := Verdict{At: f.Look.At, Assurance: f.Assured, Pending: j.pending}
	if !f.Look.At.IsZero() {
		v.Until = f.Look.At.Add(VerdictLife)
		if at := j.unmarked(); !at.IsZero() && at.Add(ServerLife).Before(v.Until) {
			v.Until = at.Add(ServerLife)
		}
	}
	holds := map[Stage]bool{Release: true, Ready: true, Complete: true}
	for _, row := range table {
		c := j.line(row)
		v.Checks = append(v.Checks, c)
		holds[c.Stage] = holds[c.Stage] && c.Status.Holds()
		j.early = j.early || precedes(c) && !c.Status.Holds()
		switch c.Status {
		case Attested:
			v.Assurance = AssuredAttested
		case Waived:
			v.Waived = append(v.Waived, c.ID)
		}
	}
	for _, t := range f.Trackers.Seen {
		v.Simulated = v.Simulated || t.Simulated
	}
	v.Release = holds[Release]
	all := holds[Release] && holds[Ready]
	switch f.Departure.Intent {
	case Delete:
		v.Ready = all
		v.Complete = holds[Complete] && !f.Submitted.IsZero() && j.signedOut()
	case SignOut:
		v.Complete = all && holds[Complete]
	case Switch:
		v.Complete = all && holds[Complete] && j.nextSignedIn()
	}
	v.Basis = j.basis(v.Checks)
	return v
}

// line judges one row.
func (j *judge) line(row line) Check {
	var c Check
	switch {
	case row.deleteOnly && j.f.Departure.Intent != Delete:
		c = na("not-asked", "only asked before a deletion")
	default:
		c = row.judge(j)
	}
	c.ID, c.Stage = row.id, row.stage
	if row.id == BindingsRemoved && j.f.Departure.Intent == Delete && j.p.Path.Needs == SignedInHere {
		c.Stage = Complete
	}
	if c.Ask != nil && row.policyWaives && !c.Status.Holds() && j.waivedByPolicy(row.id, c.Ask.List) {
		c = Check{ID: c.ID, Stage: c.Stage, Status: Waived, Reason: Reason{"waived-by-policy", "passed over, as this device's policy allows"}}
	}
	return c
}

// basis is the digest of all that the verdict rests on; times are left out, so
// that looking again at what did not change gives the same one.
func (j *judge) basis(checks Checks) Digest {
	status := make(map[CheckID]Status, len(checks))
	for _, c := range checks {
		status[c.ID] = c.Status
	}
	keys := make(map[SourceID]Digest)
	for _, s := range j.rows() {
		keys[s.Source.ID] = s.Keys
	}
	for _, l := range j.required() {
		if l.Complete {
			keys[l.Source.ID] = l.Keys
		}
	}
	bindings := make(map[string]BindingState)
	for _, b := range j.f.Look.Bindings {
		bindings[b.ID] = b.State
	}
	trackers := make(map[string]TrackerState)
	for _, t := range j.f.Trackers.Seen {
		trackers[t.Name] = t.State
	}
	var words Digest
	if j.f.Authorisation != nil {
		words = DigestOf(j.f.Authorisation.Words)
	}
	return DigestOf("basis", status, keys, bindings, trackers, j.f.Look.Copy.Stats,
		j.f.Look.Copy.BagID, j.f.Look.Copy.Disk, j.f.Look.Copy.Place, words, j.f.Devices, j.p.Path, j.pol.Digest)
}

// CheckIDs lists every check in the table's order.
func CheckIDs() []CheckID {
	ids := make([]CheckID, 0, len(table))
	for _, row := range table {
		ids = append(ids, row.id)
	}
	return ids
}
