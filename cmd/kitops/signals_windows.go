package main

// notifyPlatform has nothing to do: Windows has neither SIGHUP nor SIGCHLD.
func notifyPlatform(*signals) {}
