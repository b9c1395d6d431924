// Package credential lends a GitHub App's token to the git of an action.
//
// The token has an end, and an action may outlive it. So git in the action asks
// for one whenever it needs credentials, over a socket in a folder that only the
// action's user enters. Both ends are here: Broker answers, Ask is what git
// calls. They speak the words of git-credential(1).
//
// A Broker answers for one repository only, and only the user that the kernel
// names at the other end. Its methods may be called concurrently.
package credential
