package content

import (
	"fmt"
	"strings"
	"time"
)

// page is a note as it is written; %s is where its image goes.
type page struct{ title, body string }

var pages = []page{
	{"Bread", "Sourdough from Käthe.\n\n- 500 g flour\n- 350 g water, 30 °C\n- 10 g salt\n- 100 g starter\n\n%s\n\nFold **four times**, once every half hour. Oven as hot as it gets, then 220 °C.\n"},
	{"Garden plan", "## Beds\n\n1. tomatoes, basil\n2. beans, runner\n3. leave to the bees\n\n%s\n\nFrost until mid-May (*Eisheilige*)!\n"},
	{"Kraków", "Night train leaves at 21:52 from platform 11.\n\n%s\n\n- [x] tickets\n- [ ] ask Łukasz about the museum\n- [ ] pierogi, twice\n"},
	{"Meter readings", "| month | power kWh | water m³ |\n| --- | --- | --- |\n| January | 4021 | 118.2 |\n| April | 4688 | 127.9 |\n| July | 5102 | 139.0 |\n"},
	{"Flat", "The landlord says the boiler is older than the house.\n\n%s\n\nAsk for a date in writing.\n"},
	{"Books", "> A room without books is like a body without a soul.\n\n- *The Left Hand of Darkness*\n- 『吾輩は猫である』\n- *Solaris*, in Polish this time\n"},
	{"Bike", "Brake pads: type B01S. Chain at 3,000 km.\n\n%s\n"},
	{"Gifts", "Do not show to anyone 🎁\n\n- Anna: a kite\n- Théo: tickets\n- grandparents: the photo book\n"},
	{"Choir", "Programme, second half. Breathe *before* bar 32.\n\n%s\n"},
	{"Radio script", "```\nopen with the sea, 8 s\nvoice over, slow\n![not an image](only-code.png)\n```\n\nThen the interview.\n"},
}

var noteDay = time.Date(2023, 2, 11, 18, 30, 0, 0, time.UTC)

// notes are Markdown; those that show an image have it in attachments.
func notes(seed int64, n int) []File {
	written := each(n, func(i int) []File {
		r := stream(seed, "note", i)
		p := pages[i%len(pages)]
		title, slug := p.title, strings.ReplaceAll(strings.ToLower(p.title), " ", "-")
		if round := i / len(pages); round > 0 {
			title, slug = fmt.Sprintf("%s %d", title, round+1), fmt.Sprintf("%s-%d", slug, round+1)
		}
		stamp := noteDay.AddDate(0, 0, 17*i).Add(time.Duration(r.IntN(7200)) * time.Second)
		note := File{Path: "Notes/" + title + ".md", ModTime: stamp}
		if !strings.Contains(p.body, "%s") {
			note.Data = []byte("# " + title + "\n\n" + p.body)
			return []File{note}
		}
		image := File{Path: "Notes/attachments/" + slug + ".jpg", ModTime: stamp, Data: encode(picture(r, i, 640, 480), 80)}
		note.Data = []byte("# " + title + "\n\n" + fmt.Sprintf(p.body, "!["+title+"](attachments/"+slug+".jpg)"))
		return []File{note, image}
	})
	var out []File
	for _, files := range written {
		out = append(out, files...)
	}
	return out
}
