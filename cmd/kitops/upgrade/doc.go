// Package upgrade replaces the program by a newer release.
//
// [Upgrade] finds and verifies a release, has its program tried, and puts it in
// place of the one that runs, so that a kill or a power cut at any moment leaves
// a program there that works:
//
//	download the archive below the state, compare it with the signed text
//	  ─► write the new program beside the target ─► fsync ─► try it: version, check
//	  ─► upgrade.yaml: from, to ─► link the target to TARGET.old ─► rename over ─► fsync the folder
//
// [Trial] is what a start makes of upgrade.yaml: it counts itself there, and is
// good when the agent is ready and has polled once. The third start that was
// not good, or a minute without, brings TARGET.old back.
//
// [Offer] and [Helper] are for where the agent may not write to the target: one
// leaves a release in a folder, the other, which is root's, verifies a copy of it
// and takes nothing else from there. [Successor] notices that another program is
// where the running one came from.
package upgrade
