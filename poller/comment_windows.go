package poller

const nonblock = 0
