// Package realism measures on passages what a traffic engineer knows of real
// roads, and puts each figure beside the band in which published ones lie.
//
// It is an outsider: passages come in through cursors, station by station, and
// what stands at the roadside from the network; nothing else of the world is
// looked at, except for the two properties that are about the model itself
// (its planned demand, and which sites it means to be speeding). So whoever
// holds the passages as a file can measure the same.
//
// Order of operations. Days are read by several goroutines, each of a run of
// days that follow each other, so that the world's field of a day is made
// once. A station's day becomes accumulators of 30 seconds and 5 minutes
// (stationday.go); five minutes are congested when cars drive at less than
// three quarters of their free-flow speed. The days then reach the measures
// one after the other and in order, so that the figures are the same to the
// last digit for any number of goroutines. Of the days after the detailed
// ones only hours are counted, for K and AADT.
//
// A property that the roads asked for cannot show has no value and says why;
// it never passes by silence. What a site is: one direction at one gantry,
// unless said otherwise; the value of a row is the median over sites unless
// its "how" says otherwise, and the least and the greatest stand beside it.
package realism
