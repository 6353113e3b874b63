package departure

func (j *judge) agentHealthy() Check {
	h := j.f.Health
	if h.Worker && h.Buses && h.Store && h.Clock {
		return pass("healthy", "the agent can see everything it needs")
	}
	why := h.Why
	if why.Text == "" {
		why = Reason{"not-healthy", "the agent cannot see everything it needs"}
	}
	return unknown(why, &Remedy{Code: "doctor", Text: "see what is wrong", Command: "clearance doctor"})
}

func (j *judge) policyAllows() Check {
	if j.pol.Allows {
		return pass("allowed", "nothing on this device forbids it")
	}
	why := j.pol.Why
	if why.Text == "" {
		why = Reason{"policy", "this device's policy does not allow it"}
	}
	return fail(why, &Remedy{Code: "ask-admin", Text: "ask whoever manages this device", Command: j.cmd("leave")})
}
