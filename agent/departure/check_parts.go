package departure

import "fmt"

// PartsList is the digest under which a person attests in how many parts an
// export of the account comes, as the page shows that it was downloaded from.
func PartsList(account Account, export string) Digest {
	return DigestOf("parts", account.Provider, account.Identity, export)
}

// parts judges the exports of which only that page tells whether the last part is
// here: a part that lacks looks like an export without it.
func (j *judge) parts() (Check, bool) {
	for _, l := range j.required() {
		if l.Export == "" || !l.Complete {
			continue
		}
		if c, open := j.export(l); open {
			return c, true
		}
	}
	return Check{}, false
}

func (j *judge) export(l Listing) (Check, bool) {
	list := PartsList(j.f.Departure.Account, l.Export)
	w, given, counts := j.said(InventoryComplete, Attest, l.Export, list)
	ask := &Ask{Kind: Attest, Subject: l.Export, List: list, Said: given,
		Lines: []Line{{ID: l.Export, Text: fmt.Sprintf("how many parts the page shows that you downloaded it from; %s", here(l))}}}
	count := &Remedy{Code: "say", Text: "count them there and say the number", Command: j.cmd("ack", InventoryComplete.Spoken(), "--count", "N")}
	var c Check
	switch {
	case !given:
		c = unknown(Reason{"parts-not-said", here(l) + ", and only the page that you downloaded it from tells how many there are"}, count)
	case w.Count > l.Parts:
		c = fail(Reason{"part-missing", missingParts(l, w.Count)},
			&Remedy{Code: "add", Text: "download what is missing, put it beside the other parts, and look again", Command: j.cmd("plan")})
		c.Count, c.Of = w.Count-l.Parts, w.Count
	case w.Count < l.Parts:
		c = fail(Reason{"parts-miscounted", fmt.Sprintf("you counted %s, and %s", number(w.Count), here(l))}, count)
	case !counts:
		c = unknown(Reason{"awaits-authorisation", "what you counted counts once you authorise"}, j.authorise())
	default:
		return c, false
	}
	c.Ask = ask
	return c, true
}

func here(l Listing) string {
	if l.Parts == 1 {
		return "1 part of " + l.Export + " is here"
	}
	return number(l.Parts) + " parts of " + l.Export + " are here"
}

// missingParts names the parts behind those that are here: none before them
// lacks, or the export would not be listed.
func missingParts(l Listing, of int64) string {
	if of-l.Parts == 1 {
		return fmt.Sprintf("part %s of %s of %s is missing", number(of), number(of), l.Export)
	}
	return fmt.Sprintf("parts %s to %s of %s of %s are missing", number(l.Parts+1), number(of), number(of), l.Export)
}
