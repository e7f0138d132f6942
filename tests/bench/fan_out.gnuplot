# gnuplot -c fan_out.gnuplot DIRECTORY: draws the medians that eradio-bench-fan-out has written there
# (fan_out.csv), against the number of listeners, as SVG beside it.

directory = ARG1
file = directory."/fan_out.csv"
servers = system(sprintf("awk -F, 'NR > 1 && !seen[$1]++ { print $1 }' '%s'", file))
of(server) = sprintf("< awk -F, '$1 == \"%s\"' '%s'", server, file)

set datafile separator ","
set terminal svg size 800, 420 font "sans,11" noenhanced background "white"
set style data linespoints
set grid ytics lt 1 lw 0.7 lc rgb "#bbbbbb"
set border 3
set tics nomirror
set key outside right top
set xlabel "listeners"
set logscale x
set yrange [0:*]
colour(i) = word("#1b7837 #5aae61 #00441b #a6dba0 #762a83 #333333 #d95f02 #fdae61 #2b83ba #abd9e9", i)

set output directory."/fan_out-cost.svg"
set title "Processor time per delivered frame"
set ylabel "µs"
plot for [i = 1:words(servers)] of(word(servers, i)) using 2:3 title word(servers, i) \
  lc rgb colour(i) pt 7 ps 0.6

set output directory."/fan_out-memory.svg"
set title "Memory in user space beyond an idle server"
set ylabel "bytes per listener"
plot for [i = 1:words(servers)] of(word(servers, i)) using 2:16 title word(servers, i) \
  lc rgb colour(i) pt 7 ps 0.6

set output directory."/fan_out-age.svg"
set title "99 of 100 frames are no older than this when they arrive"
set ylabel "ms"
set logscale y
set yrange [1:*]
plot for [i = 1:words(servers)] of(word(servers, i)) using 2:11 title word(servers, i) \
  lc rgb colour(i) pt 7 ps 0.6
