// Package nextcloudclient reads what the desktop clients of Nextcloud and
// ownCloud hold of an account: their configuration, the folders that they keep in
// step, the journals of these, and their passwords' places in the keyring. It is
// a binding.Place.
//
// It imports agent/departure, platform/binding, kwallet, qsettings, secrets,
// sqliteread and xdg.
//
// Invariants:
//   - It writes nothing: the connection is removed by the person, in the client.
//   - A configuration that cannot be read to its end is an error, never a list
//     without what stood behind.
//   - A client that runs is asked whether it is at work; one that does not answer
//     counts as at work.
//
// Sources: the client's src/gui/accountmanager.cpp, folder.cpp, folderman.cpp,
// socketapi.cpp, src/common/syncjournaldb.cpp, src/libsync/creds/
// abstractcredentials.cpp and the tables of Debian's 3.7.3; qtkeychain's
// libsecret.cpp.
package nextcloudclient
