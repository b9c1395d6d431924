// Package members knows the instances that share a store.
//
// There is no server between them. Each puts an empty object beats/NAME every third
// of the length of a lease, and is alive for the others while that is not too long
// ago by the store's own clock: the time of the object is compared with the Date of
// the listing that it stands in, so no clock of a host counts. What an instance says of
// itself (see [Member]) stands in instances/NAME. It is put when it changes.
//
// One listing of everything, at each beat, has the times of the beats and the version of
// every document. Only what has changed since is read, by the ETags: so the polls of an
// instance that has nothing to do cost the store nothing, and what others did is known
// a third of a lease later. [Documents] keeps what was read.
//
// # Who polls what
//
// [Rank] orders those that announce a task, the same for everybody who sees the same
// beats. It is only a hint on who polls: two that see different ones both poll, and the
// lease lets one of them run. Who is behind with a task says so, and the next of the
// rank polls it, too.
//
// # Names
//
// A name is one instance's. Another one that has it finds the first by its beats and
// gives up with a [NameTakenError]; one whose beats have ended is succeeded.
package members
