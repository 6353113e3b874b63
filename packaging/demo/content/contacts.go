package content

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// people are given and family names that go together.
var people = []struct{ given, family []string }{
	{[]string{"Anna", "Jürgen", "Käthe", "Sören", "Lena", "Friedrich"}, []string{"Müller", "Weiß", "Schröder", "Böhm", "Vogel"}},
	{[]string{"Chloé", "François", "Zoë", "Théo"}, []string{"Lefèvre", "D’Arcy", "Besançon"}},
	{[]string{"さくら", "健太", "美咲"}, []string{"佐藤", "鈴木", "高橋"}},
	{[]string{"Zofia", "Łukasz", "Małgorzata"}, []string{"Wiśniewska", "Dąbrowski", "Żak"}},
	{[]string{"Αλέξανδρος", "Ελένη"}, []string{"Παπαδοπούλου", "Νικολαΐδης"}},
	{[]string{"فاطمة", "يوسف", "ليلى"}, []string{"الخطيب", "حداد"}},
	{[]string{"Nguyễn Thị", "Trần Văn"}, []string{"Hạnh", "Đức", "Phượng"}},
	{[]string{"Олена", "Тарас"}, []string{"Шевчук", "Коваль"}},
	{[]string{"Amara", "Chinedu", "Wanjiru"}, []string{"Okafor", "Mwangi", "Diallo"}},
	{[]string{"Maya", "Ryan", "Olivia", "Jack"}, []string{"O’Neill", "Smith-Jones", "van der Berg", "García"}},
	{[]string{"İpek", "Çağlar"}, []string{"Yıldız", "Gökçe"}},
	{[]string{"민준", "서연"}, []string{"김", "박"}},
}

var (
	firms     = []string{"Bäckerei Sonnenschein", "Harbour & Co., Ltd.", "Studio Ñandú", "Stadtbücherei", "Clinique du Lac", "Night Train Radio"}
	jobs      = []string{"Baker", "Teacher", "Nurse; nights", "Engineer", "Gardener", "Editor"}
	streets   = []string{"Lindenstraße", "Rue des Écoles", "Harbour Road", "Ulica Długa", "Calle Mayor"}
	cities    = []string{"Berlin", "Genève", "Kraków", "Córdoba", "Galway", "Αθήνα"}
	reminders = []string{`Met on the night train to Kraków.\nCall in the evening\, not before 6.`, `Allergic to nuts.`, `Has our spare key!`,
		`Wi-Fi at theirs: ask again.\n\nBirthday cake: lemon\, no cream.`, `Plumber; weekdays only. Prefers a message over a call because of the noise in the workshop, really.`}
	groups = []string{"Family", "Friends", "Work", "Neighbours", "Choir"}
)

// largePortrait is the place of the contact with a picture of about 1 MB, as
// phones make them when they do not scale down.
const largePortrait = 6

// contacts: a third have a picture.
func contacts(r *rand.Rand, seed int64, n int) []Object {
	cards := make([]*strings.Builder, n)
	out := make([]Object, n)
	for i := range n {
		out[i].UID = uid(r)
		out[i].Href = out[i].UID + ".vcf"
		cards[i] = person(r, out[i].UID)
	}
	pictures := each((n+2)/3, func(i int) []byte {
		r := stream(seed, "portrait", i)
		if 3*i == largePortrait {
			return encode(draw(r, portrait(r), 1500, 1500, 14), 90)
		}
		return encode(draw(r, portrait(r), 240, 240, 5), 85)
	})
	for i, card := range cards {
		if i%3 == 0 {
			line(card, "PHOTO;ENCODING=b;TYPE=JPEG:"+base64.StdEncoding.EncodeToString(pictures[i/3]))
		}
		line(card, "END:VCARD")
		out[i].Data = card.String()
	}
	return out
}

func person(r *rand.Rand, uid string) *strings.Builder {
	from := pick(r, people)
	given, family := pick(r, from.given), pick(r, from.family)
	card := &strings.Builder{}
	line(card, "BEGIN:VCARD")
	line(card, "VERSION:3.0")
	line(card, "UID:"+uid)
	line(card, "FN:"+given+" "+family)
	line(card, "N:"+family+";"+given+";;;")
	line(card, fmt.Sprintf("TEL;TYPE=CELL:+49 30 23125 %03d", r.IntN(1000)))
	if r.IntN(2) == 0 {
		line(card, fmt.Sprintf("TEL;TYPE=HOME,VOICE:+44 20 7946 0%03d", r.IntN(1000)))
	}
	line(card, fmt.Sprintf("EMAIL;TYPE=INTERNET:contact%d@example.org", r.IntN(100000)))
	if r.IntN(3) == 0 {
		line(card, "ORG:"+escape(pick(r, firms)))
		line(card, "TITLE:"+escape(pick(r, jobs)))
	}
	if r.IntN(2) == 0 {
		line(card, fmt.Sprintf("ADR;TYPE=HOME:;;%s %d;%s;;%05d;", pick(r, streets), 1+r.IntN(120), pick(r, cities), 10000+r.IntN(80000)))
	}
	if r.IntN(2) == 0 {
		line(card, fmt.Sprintf("BDAY:%d-%02d-%02d", 1945+r.IntN(65), 1+r.IntN(12), 1+r.IntN(28)))
	}
	if r.IntN(4) == 0 {
		line(card, "NOTE:"+pick(r, reminders))
	}
	line(card, "CATEGORIES:"+pick(r, groups))
	line(card, fmt.Sprintf("REV:202%d-%02d-%02dT10:00:00Z", 1+r.IntN(4), 1+r.IntN(12), 1+r.IntN(28)))
	return card
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace(s)
}

// line writes a content line, folded at 75 octets between characters (RFC 2425
// section 5.8.1, RFC 5545 section 3.1).
func line(b *strings.Builder, s string) {
	for room := 75; len(s) > room; room = 74 {
		cut := room
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut] + "\r\n ")
		s = s[cut:]
	}
	b.WriteString(s + "\r\n")
}
