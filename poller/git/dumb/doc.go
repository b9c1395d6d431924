// Package dumb reads a repository from a web server that knows nothing of git.
//
// Such a server has the files of a bare repository, and git update-server-info
// has written down what there is: https://git-scm.com/docs/http-protocol,
// "Dumb Clients". The objects that are wanted are looked up by their names, in files
// of their own or in packs, which come as a whole. What was found is handed on as
// a pack, so that whoever reads it need not know the difference. All of it is
// checked against its names, and bounded in bytes.
package dumb
