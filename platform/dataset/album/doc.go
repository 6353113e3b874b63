// Package album lists the albums of a program that keeps a library of photos:
// each as a small JSON text in the copy that names its photos by their paths, and
// the photos themselves where they lie outside the person's pictures.
//
// It imports platform/dataset, platform/sqliteread, platform/xdg, backup/scan,
// backup/source, and agent/departure for the words.
//
// Invariants:
//   - A library that cannot be read has stores that say so.
//   - The photos are this device's own.
package album
