// Package diagram draws a day of one direction of a road from its passages:
// speed over time and place, and the fundamental diagram. What a picture shows
// is fixed, never scaled to the data: the same colour is the same speed on
// every day of every road.
//
// Colours run from red over yellow to blue, which readers who see red and
// green alike keep in order; where there are no data it is hatched.
//
// It is drawn with gonum.org/v1/plot. tdewolff/canvas draws text better but has
// no release to pin; go-echarts writes pages for a browser, no pictures.
package diagram
