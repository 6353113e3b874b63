// Package gnote finds the notes of Gnote, Tomboy, Tomboy-ng and GNOME Notes
// (Bijiben), which all keep one XML file a note. It fills dataset.Finder: each
// note is its own file, the master, and a Markdown text made of it beside.
//
// It imports platform/dataset, platform/xdg, backup/source, and agent/departure
// for the words.
//
// Invariants:
//   - The notes are this device's own: what syncs them is not known from here.
//   - A note that is not understood is copied as it is, and its text fails by
//     name.
//
// Sources of the format: Gnote, src/note.cpp and src/notebuffer.cpp; Bijiben,
// src/libbiji/serializer/biji-lazy-serializer.c; wiki.gnome.org,
// "Tomboy/NoteXmlFormat".
package gnote
