// Package git is what kitops needs of Git behind three calls. One returns the
// heads of a remote, one tells what has changed at a head, one checks it out.
//
// It speaks upload-pack over http(s) and ssh itself and reads local
// repositories from their files, so the git program is never run and no call
// outlives its context.
//
// # The way of a revision
//
//	look      looks ─► remote.list: ls-refs with prefixes, one request (protocol version 2)
//	fetch     remote.fetch: as deep as asked for, thin upon what the mirror holds
//	          ─► packStream ─► arrival ─► resolve ─► connected ─► bare.adopt
//	                              └─► landing: the first checkout is written meanwhile, in any order
//	sparse    complete: what is selected is planned, and the blobs that are missing for it are fetched by their names
//	.git      dotgit: links to the mirror's packs, refs, tags; the index comes after the files
//	graft     submodules, each fetched by its recorded commit into its own mirror ─► one plan, one store
//	lfs       pointers among the files ─► batch API ─► Dir-lfs, by SHA-256; only for files that are to be written
//	checkout  plan ─► applyAttributes ─► treeWriter: several writers, from packs to files ─► rename
//	or        update: inspection of what is there, meanwhile ─► match ─► journal ─► survey ─► treeWriter ─► verify ─► record
//	or        Prepare, ahead: the files of a parked workdir in new directories, for update to bring to the next revision
//	changes   fetch ─► two trees compared; of a new ref with its merge base, for which the remote is asked for commits only
//	after     tidy: many packs become one
//
// # What a mirror holds
//
// One bare repository for each history that is asked for, so that tasks with
// different ones do not disturb each other: revisions without their parents in
// Mirror.Dir, 50 commits of history in Dir-history-50, all in Dir-history-full.
// They share looks and nothing else.
//
// In each of them every commit is complete: its tree is there, and its parents
// are, or it is listed in the file shallow. The file is made from what is there;
// what a server says of it is only a hint. A revision is held when that goes on
// for as many commits as asked for, on every way. So an older commit of what is
// held needs no fetch, and git finds no fault. The history grows as fetches
// come, and the rewrite cuts it back to its depth; a full one is only rewritten
// when half of it is new, until then small packs become one.
//
// For checkouts with Sparse there are repositories of their own, named
// Dir-sparse and so on. In them every commit is complete but for blobs, which
// are left out by the server (filter=blob:none) and fetched by a second request,
// as far as a plan needs them and they are not there. So tasks with different
// lists share what was fetched, the rewrite takes along what is there, and no
// blob that is absent is damage. A server that leaves nothing out sends all.
//
// A checkout that is a repository owes nothing to the mirror: it has links to
// all its packs, which nobody writes to, and lists as shallow what the mirror
// does and where its own history ends. Alternates would be smaller by the names
// of some files, and would need somebody who knows what borrows from whom.
//
// # A workdir that is kept
//
// Beside it is a record in the format of git's index, with the trees that it
// knows: trees that are still the same are not read again. What every file was
// when it was written is compared with what it is, all directories at once and
// while the server is asked; what differs, or changed so late that its time does
// not tell, is compared by content. Times of change cannot be set, so an action
// cannot hide one.
//
// A file is replaced by rename, from a directory beside. No inode that was there
// is ever written to, given away or changed in its mode: it may have a name
// elsewhere. The way to each goes down from an open directory, name by name,
// and through no link.
//
// Before a file is made that the record does not have, its name is in a journal.
// So after a kill the next call knows what is of a revision and what is not. The
// record counts for one directory, by its inode; without it nothing but time is
// lost, and files of the revision before that the next one lacks.
//
// # What is its own, and why
//
// All of it: go-git is in none of the rooms, since much of it would not do.
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
//   - The reading of .gitmodules. go-git's refuses files that git takes, and
//     reads values that go on in the next line otherwise.
//   - The attributes of files. go-git's reading of .gitattributes ends at the
//     first line that is odd, panics at some, knows macros in part and mixes up
//     which of two rules wins.
//   - The refs of local repositories. One stale lock file makes go-git's
//     listing fail; git skips it.
//
// # How files are written
//
// As git checkout does where nothing is configured: .gitattributes of the
// revision decide on line ends (text, eol, crlf, macros) and idents, by git's
// rules for patterns and for what is text. What lands before its attributes are
// known is written again. Filters are not run and encodings not changed, Git LFS
// pointers stay without Options.LFS: each of that is told once for a mirror. There are three
// differences. Where core.ignoreCase would be set, patterns still heed case. In
// blobs of more than 4 MB an ident is looked for in git's streaming way, also
// with text=auto. And what git's streaming loses before an ident, stays.
//
// # What it trusts
//
// Nothing a remote says: names that could escape a checkout or plant a
// repository in it are refused, sizes are checked before memory is reserved,
// chains of deltas are bounded, hashes detect collisions, redirects never carry
// credentials to another origin, host keys must be known.
//
// Nothing that .gitmodules says: addresses lead to https and ssh only (to this
// host only from a repository that is on it), without anybody's credentials;
// paths are those of the tree, names lead nowhere, commands are not run.
//
// Nothing the disk holds: a mirror is a real bare repository, but its files may
// be cut or foreign after a crash. Objects are hashed again when read, a revision
// counts as held only after all of it was found, and whatever is in doubt is
// thrown away and fetched anew, with one warning. Nothing is synced to disk for
// that reason.
package git
