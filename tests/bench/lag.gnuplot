# gnuplot -c lag.gnuplot DIRECTORY: draws what eradio-bench-lag has written there (grid.csv and
# curve.csv, whichever there is), as SVG beside it.

directory = ARG1
grid = directory."/grid.csv"
curve = directory."/curve.csv"

# The values of a column, in the order in which they come.
values(file, column) = system(sprintf("awk -F, 'NR > 1 && !seen[$%d]++ { print $%d }' '%s'", \
                                      column, column, file))
# The lines of a server and a loss and a queue, that is one panel's, of the grid; for plot.
cells(server, loss, queue) = \
  sprintf("< awk -F, '$1 == \"%s\" && $4 == %s && $5 == %s' '%s'", server, loss, queue, grid)
label(rtt, link) = sprintf("%s ms\n× %s", rtt, link)

set datafile separator ","
set style data points
colour(i) = word("#1b7837 #d95f02 #7570b3 #e7298a", i)
symbol(i) = word("7 5 9 13", i) + 0

set grid ytics lt 1 lw 0.7 lc rgb "#bbbbbb"
set errorbars 0
set border 3
set tics nomirror

# A page has a panel for each loss, below each other; each cell has the servers beside each other.
begin_page = 'set terminal svg size 1000, 240 * words(losses) + 40 font "sans,11" noenhanced background "white"; \
  set output directory."/".name."-".queue."kb.svg"; \
  set multiplot layout words(losses), 1 title page_title font ",14"; \
  set key outside top center horizontal'
set xtics rotate by 0 font ",9" scale 0
set xrange [-0.6:*]
shift(i) = 0.22 * (i - (words(servers) + 1) / 2.0)

if (system("test -f '".grid."' && echo yes") eq "yes") {
  servers = values(grid, 1)
  losses = values(grid, 4)
  queues = values(grid, 5)
  last_cell = words(values(grid, 2)) * words(values(grid, 3)) - 1
  set xrange [-0.6:last_cell + 0.6]
  do for [queue in queues] {
    name = "ages"
    page_title = "Age of frames, median to 99th percentile, by round trip and × rate of the link (queue ".queue." KB)"
    eval begin_page
    set logscale y
    unset mytics
    set yrange [5:*]
    set ylabel "ms"
    do for [loss in losses] {
      set title loss." % loss" offset 0, -1
      plot for [i = 1:words(servers)] cells(word(servers, i), loss, queue) \
             using ($0 + shift(i)):7:7:8 with yerrorbars pt symbol(i) ps 0.6 lw 2 lc rgb colour(i) title word(servers, i), \
           cells(word(servers, 1), loss, queue) using 0:(NaN):xtic(label(strcol(2), strcol(3))) notitle
      unset key
    }
    unset multiplot
    unset logscale y

    name = "delivered"
    page_title = "Frames delivered, % of what link or stream could bring in packets of one frame (queue ".queue." KB)"
    eval begin_page
    set yrange [0:*]
    set ylabel "%"
    do for [loss in losses] {
      set title loss." % loss" offset 0, -1
      plot for [i = 1:words(servers)] cells(word(servers, i), loss, queue) \
             using ($0 + shift(i)):(100 * $10):(0.2) with boxes fs solid noborder lc rgb colour(i) title word(servers, i), \
           cells(word(servers, 1), loss, queue) using 0:(NaN):xtic(label(strcol(2), strcol(3))) notitle
      unset key
    }
    unset multiplot

    name = "jumps"
    page_title = "Jumps a second, places where frames are missing (queue ".queue." KB)"
    eval begin_page
    set ylabel "jumps/s"
    do for [loss in losses] {
      set title loss." % loss" offset 0, -1
      plot for [i = 1:words(servers)] cells(word(servers, i), loss, queue) \
             using ($0 + shift(i)):11:(0.2) with boxes fs solid noborder lc rgb colour(i) title word(servers, i), \
           cells(word(servers, 1), loss, queue) using 0:(NaN):xtic(label(strcol(2), strcol(3))) notitle
      unset key
    }
    unset multiplot
  }
}

if (system("test -f '".curve."' && echo yes") eq "yes") {
  links = system(sprintf("awk -F, 'NR > 1 && !seen[$2 \",\" $3]++ { print $2 \":\" $3 }' '%s'", curve))
  rtt(i) = word(system("echo ".word(links, i)." | tr : ' '"), 1)
  link(i) = word(system("echo ".word(links, i)." | tr : ' '"), 2)
  points(i) = sprintf("< awk -F, '$2 == %s && $3 == %s' '%s'", rtt(i), link(i), curve)
  name(i) = "link × ".link(i).", RTT ".rtt(i)." ms"

  set terminal svg size 1000, 420 font "sans,11" noenhanced background "white"
  set output directory."/curve.svg"
  set multiplot layout 1, 2 title "What max_lag does where the link is too slow (eradio)" font ",14"
  set style data linespoints
  set xrange [-20:*]
  set xtics autofreq scale 1
  set xlabel "max_lag, ms"
  set key inside top left vertical noenhanced
  set title "age: median, and thin the 99th percentile"
  set ylabel "ms"
  set yrange [0:*]
  plot for [i = 1:words(links)] points(i) using 6:7 lw 2.5 pt symbol(i) ps 0.6 lc rgb colour(i) title name(i), \
       for [i = 1:words(links)] points(i) using 6:8 lw 1 dt 2 pt symbol(i) ps 0.4 lc rgb colour(i) notitle
  set title "jumps a second"
  set ylabel "jumps/s"
  set logscale y
  set yrange [0.1:*]
  set key inside top right
  plot for [i = 1:words(links)] points(i) using 6:11 lw 2.5 pt symbol(i) ps 0.6 lc rgb colour(i) title name(i)
  unset multiplot
}
