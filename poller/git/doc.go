// Package git is what kitops needs of Git behind two calls: the heads of a
// remote, and a checkout of one of them.
//
// It speaks upload-pack over http(s) and ssh itself and reads local
// repositories from their files, so the git program is never run and no call
// outlives its context.
//
// # The way of a revision
//
//	look      looks ─► remote.list: ls-refs with prefixes, one request (protocol version 2)
//	fetch     remote.fetch: depth 1, thin upon what the mirror holds
//	          ─► packStream ─► arrival ─► resolve ─► connected ─► bare.adopt
//	                              └─► landing: the first checkout is written meanwhile, in any order
//	checkout  plan ─► treeWriter: several writers, from packs to files ─► rename
//	after     tidy: many packs become one
//
// # What is its own, and why
//
// The protocol of version 0 is go-git's. The rest is not:
//
//   - The conversations. go-git's ssh ignores the context until its session
//     runs, it cannot do version 2, it never asks for thin packs, without which
//     a shallow fetch sends the whole tree again, and it hides the multi_ack
//     capabilities that Azure DevOps insists on behind a package variable.
//   - Packs. go-git inflates most objects two or three times and needs a third
//     of a kilobyte of memory for each; here an object is inflated once, hashed
//     and written to its file while the pack still comes in.
//   - The writing of trees. go-git's checkout looks at every directory above
//     every file, and it takes a missing subtree for the end and reports
//     success. Here every object is hashed, every name counted, and a checkout
//     appears by rename or not at all.
//   - The refs of local repositories. One stale lock file makes go-git's
//     listing fail; git skips it.
//
// # What it trusts
//
// Nothing a remote says: names that could escape a checkout or plant a
// repository in it are refused, sizes are checked before memory is reserved,
// chains of deltas are bounded, hashes detect collisions, redirects never carry
// credentials to another origin, host keys must be known.
//
// Nothing the disk holds: a mirror is a real bare repository, but its files may
// be cut or foreign after a crash. Objects are hashed again when read, a revision
// counts as held only after all of it was found, and whatever is in doubt is
// thrown away and fetched anew, with one warning. Nothing is synced to disk for
// that reason.
package git
