package agent

// How much may run, and be read again after it ended. Looks are apart from the
// rest: whoever may read may begin them, a sandboxed program of the owner's too,
// and takes no room from what the owner does. Nor does one person from another.
const (
	runningJobs  = 64 // of everybody, looks not counted
	callersJobs  = 16
	runningLooks = 8
	callersLooks = 2
	keptJobs     = 200 // of everybody, looks too
	keptLooks    = 20  // of one caller
)

// sameLook is one that runs for the same caller at the same thing; js.mu is held.
func (js *jobs) sameLook(as *job) *job {
	for _, j := range js.byID {
		if as.look != "" && j.look == as.look && j.by == as.by && j.info.Kind == as.info.Kind && j.info.State == JobRunning {
			return j
		}
	}
	return nil
}

// room reports whether one more may run; js.mu is held.
func (js *jobs) room(more *job) bool {
	all, callers := 0, 0
	for _, j := range js.byID {
		if j.ended || (j.look != "") != (more.look != "") {
			continue
		}
		if all++; j.by == more.by {
			callers++
		}
	}
	if more.look != "" {
		return all < runningLooks && callers < callersLooks
	}
	return all < runningJobs && callers < callersJobs
}

// forget drops jobs that ended, the oldest first: the looks of a caller that has
// many; then, while there are too many of all, looks, and then those of whoever
// has the most. js.mu is held.
func (js *jobs) forget(by Caller) {
	looks := 0
	for _, j := range js.byID {
		if j.look != "" && j.by == by {
			looks++
		}
	}
	for ; looks > keptLooks && js.drop(func(j *job) bool { return j.look != "" && j.by == by }); looks-- {
	}
	for len(js.order) > keptJobs {
		most := js.most()
		if !js.drop(func(j *job) bool { return j.look != "" }) && !js.drop(func(j *job) bool { return j.by == most }) {
			return
		}
	}
}

// most is the caller with the most jobs that ended.
func (js *jobs) most() (by Caller) {
	n := map[Caller]int{}
	for _, id := range js.order {
		if j := js.byID[id]; j.ended {
			if n[j.by]++; n[j.by] > n[by] {
				by = j.by
			}
		}
	}
	return by
}

// drop drops the oldest job that ended and is one of those; false if there is
// none.
func (js *jobs) drop(those func(*job) bool) bool {
	for i, id := range js.order {
		if j := js.byID[id]; j.ended && those(j) {
			delete(js.byID, id)
			js.order = append(js.order[:i], js.order[i+1:]...)
			return true
		}
	}
	return false
}
