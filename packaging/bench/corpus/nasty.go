package corpus

import (
	"fmt"
	"strings"
)

// shapes are the names that people's libraries really hold and that tools
// stumble over; each takes a number that makes it another one.
var shapes = []string{
	"-rf %d",                              // looks like an option
	" %d leading space",                   //
	"trailing space %d ",                  //
	"new\nline %d",                        //
	"tab\t%d",                             //
	"100%%2F %d",                          // an escape, if somebody decodes it
	"back\\slash %d",                      //
	"quote\" ' ` $(x) %d",                 //
	"caf\u00e9 %d",                        // composed
	"cafe\u0301 %d",                       // the same to a reader, decomposed
	"CASE %d.JPG",                         //
	"case %d.jpg",                         // the same to Windows
	"invalid \xff\xfe utf-8 %d",           //
	"CON.%d",                              // a device, to Windows
	"ends with dot %d.",                   //
	"\u202egpj.%d",                        // right-to-left
	"*?<>|: %d",                           //
	"\U0001f468\u200d\U0001f469\u200d %d", // joined signs
	"..%d",                                //
	"long " + strings.Repeat("x", 255) + "%d", // cut to 255 bytes below
}

// nasty is the i-th name: at most 255 bytes.
func nasty(i int) string {
	name := fmt.Sprintf(shapes[i%len(shapes)], i)
	if len(name) > 255 {
		number := fmt.Sprint(i)
		name = name[:255-len(number)] + number
	}
	return name
}
