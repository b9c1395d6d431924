// Package git is what kitops needs of Git behind two calls: the heads of a
// remote, and a checkout of one of them.
//
// It speaks upload-pack over http(s) and ssh itself and reads local
// repositories from their files, so the git program is never run and no call
// outlives its context. The protocol messages, packs and object stores are
// go-git's; three things are not, each for a reason:
//
//   - The conversations. go-git's ssh ignores the context until its session
//     runs, and its http hides the multi_ack capabilities that Azure DevOps
//     insists on behind a package variable.
//   - The writing of trees. go-git's checkout and tree walker take a missing
//     subtree for the end and report success. Here every object is read,
//     hashed and counted, and a checkout appears by rename or not at all.
//   - The refs of local repositories. One stale lock file makes go-git's
//     listing fail; git skips it.
//
// Whatever a remote says is untrusted: names that could escape a checkout or
// plant a repository in it are refused, redirects never carry credentials to
// another origin, host keys must be known.
package git
