// Package truth tells on the command line what the simulated world holds: the
// network as the collector wants it, what really passed, and what the devices
// made of it. Everything about the world that does I/O is here, so that world
// and device stay pure.
//
// Output is streamed, ordered by time and then by the network's order of
// stations or devices, and takes memory for two days of the world, however
// long the time asked for.
//
// What it does not do: it talks to no collector and knows nothing of what was
// delivered. Comparing the truth with what arrived is deploy/verify.
package truth
