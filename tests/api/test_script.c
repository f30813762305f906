/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll: each script runs on sockets of the kernel and on those of the stack, talking to itself;
 * both have to do what it says. kqueue: the scripts say what FreeBSD documents (kqueue(2)), and run
 * on the stack.
 */
#include <unistd.h>

#include "apitest.h"
#include "script.h"

struct row {
	const char *name, *script;
};

static const struct row epoll_rows[] = {
	/* ---- level trigger ---- */
	{ "an empty connection is writable", "pair; add s IN|OUT; wait = s:OUT" },
	{ "data is reported until it is read",
	  "pair; add s IN; wait =; write c 3; wait = s:IN; wait = s:IN; read s 3 = 3; wait =" },
	{ "half read is still readable", "pair; write c 4; add s IN; read s 2 = 2; wait = s:IN" },
	{ "one event for both directions", "pair; write c 1; add s IN|OUT; wait = s:IN|OUT" },
	{ "what is not asked for is not told", "pair; write c 1; add s OUT; wait = s:OUT" },
	{ "nothing asked, nothing told", "pair; write c 1; add s NONE; wait =" },
	{ "normal data by its other names",
	  "pair; write c 1; add s RDNORM|WRNORM; wait = s:RDNORM|WRNORM" },
	{ "nothing is urgent", "pair; write c 1; add s PRI; wait =" },
	{ "a full connection is not writable", "pair; fill c; add c OUT; wait =" },
	{ "and is again when the peer reads",
	  "pair; fill c; add c OUT; wait =; drain s; wait = c:OUT" },
	{ "two sockets, two events", "pair; add s OUT; add c OUT; wait = c:OUT s:OUT" },
	{ "one at a time, in turn",
	  "pair; add s OUT; add c OUT; wait1 = s:OUT; wait1 = c:OUT; wait1 = s:OUT" },
	/* ---- edge trigger ---- */
	{ "an edge is told once", "pair; add s IN|ET; write c 1; wait = s:IN; wait =" },
	{ "each arrival is an edge",
	  "pair; add s IN|ET; write c 1; wait = s:IN; write c 1; wait = s:IN; wait =" },
	{ "data from before the registration is an edge",
	  "pair; write c 1; add s IN|ET; wait = s:IN; wait =" },
	{ "read before asked: no edge any more",
	  "pair; add s IN|ET; write c 1; sleep 2; read s 1 = 1; wait =" },
	{ "half read is no edge",
	  "pair; add s IN|ET; write c 4; wait = s:IN; read s 2 = 2; wait =" },
	{ "an edge tells all that is true",
	  "pair; add s IN|OUT|ET; wait = s:OUT; write c 1; wait = s:IN|OUT; wait =" },
	{ "room after fullness is an edge",
	  "pair; add c OUT|ET; wait = c:OUT; fill c; wait =; drain s; wait = c:OUT; wait =" },
	{ "mod looks again",
	  "pair; add s IN|ET; write c 1; wait = s:IN; mod s IN|ET; wait = s:IN; wait =" },
	{ "the end is an edge", "pair; add s IN|ET; shut c WR; wait = s:IN; wait =" },
	{ "level becomes edge",
	  "pair; write c 1; add s IN; wait = s:IN; mod s IN|ET; wait = s:IN; wait =" },
	{ "edge becomes level",
	  "pair; write c 1; add s IN|ET; wait = s:IN; wait =; mod s IN; wait = s:IN; wait = s:IN" },
	/* ---- one-shot ---- */
	{ "one-shot is told once",
	  "pair; add s IN|ONESHOT; write c 1; wait = s:IN; write c 1; wait =" },
	{ "mod arms it again",
	  "pair; add s IN|ONESHOT; write c 1; wait = s:IN; mod s IN|ONESHOT; wait = s:IN; wait =" },
	{ "disarmed it is still registered",
	  "pair; add s IN|ONESHOT; write c 1; wait = s:IN; add s IN = EEXIST; del s = 0" },
	{ "disarmed it does not tell of the end",
	  "pair; add s IN|ONESHOT; write c 1; wait = s:IN; reset c; wait =" },
	{ "one-shot and edge", "pair; add s IN|ET|ONESHOT; write c 1; wait = s:IN; write c 1; wait "
			       "=; mod s IN|ET|ONESHOT; wait = s:IN" },
	/* ---- ends ---- */
	{ "half closed: readable",
	  "pair; add s IN; shut c WR; wait = s:IN; read s 1 = 0; wait = s:IN" },
	{ "half closed, by name", "pair; add s IN|RDHUP; shut c WR; wait = s:IN|RDHUP" },
	{ "half closed, the name alone", "pair; add s RDHUP; wait =; shut c WR; wait = s:RDHUP" },
	{ "both halves closed: hung up",
	  "pair; add s IN|RDHUP; shut c WR; shut s WR; wait = s:IN|HUP|RDHUP" },
	{ "hang-up is told unasked",
	  "pair; add s NONE; shut c WR; wait =; shut s WR; wait = s:HUP" },
	{ "own shutdown of writing: writable",
	  "pair; add s IN|OUT; shut s WR; wait = s:OUT; write s 1 = EPIPE" },
	{ "own shutdown of reading",
	  "pair; add s IN|RDHUP; shut s RD; wait = s:IN|RDHUP; read s 1 = 0" },
	{ "own shutdown of both",
	  "pair; add s IN|OUT|RDHUP; shut s RDWR; wait = s:IN|OUT|HUP|RDHUP" },
	{ "reset", "pair; add s IN; reset c; wait = s:IN|ERR|HUP" },
	{ "reset, with all names",
	  "pair; add s IN|OUT|RDHUP; reset c; wait = s:IN|OUT|ERR|HUP|RDHUP" },
	{ "the error is taken, the end stays", "pair; add s IN; reset c; wait = s:IN|ERR|HUP; read "
					       "s 1 = ECONNRESET; wait = s:IN|HUP; read s 1 = 0" },
	{ "reset is an edge", "pair; add s IN|ET; reset c; wait = s:IN|ERR|HUP; wait =" },
	{ "data before the end", "pair; add s IN|RDHUP; write c 3; shut c WR; wait = s:IN|RDHUP; "
				 "read s 9 = 3; read s 9 = 0" },
	{ "close ends the registration", "pair; add s OUT; close s; wait =" },
	{ "the peer's close", "pair; add c IN|RDHUP; close s; wait = c:IN|RDHUP" },
	/* ---- connecting ---- */
	{ "never connected", "tcp x; add x IN|OUT; wait = x:OUT|HUP" },
	{ "never connected, nothing asked", "tcp x; add x NONE; wait = x:HUP" },
	{ "connected: writable", "listen l; tcp x; add x OUT|ET; wait = x:OUT|HUP; connect x = "
				 "EINPROGRESS; wait = x:OUT; connect x = 0" },
	{ "refused", "listen l; tcp x; connect x nobody = EINPROGRESS; add x IN|OUT; wait = "
		     "x:IN|OUT|ERR|HUP; connect x nobody = ECONNREFUSED" },
	/* ---- listeners ---- */
	{ "a listener waits", "listen l; add l IN|OUT; wait =" },
	{ "a connection makes it readable",
	  "listen l; add l IN; tcp x; connect x; wait = l:IN; wait = l:IN; accept l s; wait =" },
	{ "each connection is an edge", "listen l; add l IN|ET; tcp x; connect x; wait = l:IN; "
					"wait =; tcp y; connect y; wait = l:IN; wait =" },
	/* ---- datagrams ---- */
	{ "datagrams", "udp u v; add v IN|OUT; wait = v:OUT; write u 5 = 5; wait = v:IN|OUT; read "
		       "v 9 = 5; wait = v:OUT" },
	{ "each datagram is an edge",
	  "udp u v; add v IN|ET; write u 1; wait = v:IN; write u 1; wait = v:IN; wait =" },
	{ "nobody at home", "udp u v; add u IN; close v; write u 1; wait = u:ERR; read u 1 = "
			    "ECONNREFUSED; wait =" },
	/* ---- registrations ---- */
	{ "twice", "pair; add s IN = 0; add s IN = EEXIST" },
	{ "never", "pair; mod s IN = ENOENT; del s = ENOENT" },
	{ "gone", "pair; write c 1; add s IN; del s = 0; wait =; del s = ENOENT; add s IN = 0; "
		  "wait = s:IN" },
	{ "nobody's number", "tcp x; dup x y; close y; add y IN = EBADF" },
	{ "mod to something else",
	  "pair; write c 1; add s IN; wait = s:IN; mod s OUT; wait = s:OUT" },
	{ "mod to nothing", "pair; write c 1; add s IN; wait = s:IN; mod s NONE; wait =" },
	{ "a duplicate is registered by itself",
	  "pair; dup s d; write c 1; add s IN; add d IN; wait = d:IN s:IN; del s; wait = d:IN" },
	{ "exclusive is accepted", "pair; write c 1; add s IN|EXCLUSIVE = 0; wait = s:IN" },
	{ "and cannot be changed", "pair; add s IN|EXCLUSIVE = 0; mod s IN = EINVAL; del s = 0" },
	{ "nor be made", "pair; add s IN; mod s IN|EXCLUSIVE = EINVAL" },
	{ "exclusive goes with few others",
	  "pair; add s IN|EXCLUSIVE|ONESHOT = EINVAL; add s IN|EXCLUSIVE|RDHUP = EINVAL; add s "
	  "IN|OUT|ET|EXCLUSIVE = 0" },
	/* ---- an instance in another ---- */
	{ "an instance is readable when it has events",
	  "pair; epoll x; addto x s IN; add x IN|OUT; wait =; write c 1; wait = x:IN; waitin x = "
	  "s:IN; wait = x:IN; read s 1 = 1; wait =" },
	{ "also when it had them before",
	  "pair; write c 1; epoll x; addto x s IN; add x IN; wait = "
	  "x:IN" },
	{ "and by its other name", "pair; write c 1; epoll x; addto x s IN; add x RDNORM; wait = "
				   "x:RDNORM" },
	{ "an edge below is an edge above",
	  "pair; epoll x; addto x s IN; add x IN|ET; write c 1; wait = x:IN; wait =; write c 1; "
	  "wait = x:IN; wait =" },
	{ "mod above looks again", "pair; epoll x; addto x s IN; add x IN|ET; write c 1; wait = "
				   "x:IN; wait =; mod x IN|ET; wait = x:IN; wait =" },
	{ "what was taken below is gone above",
	  "pair; epoll x; addto x s IN|ET; add x IN; write c 1; wait = x:IN; wait = x:IN; waitin x "
	  "= s:IN; wait =; write c 1; wait = x:IN" },
	{ "one-shot below", "pair; epoll x; addto x s IN|ONESHOT; add x IN; write c 1; waitin x = "
			    "s:IN; wait =; modin x s IN|ONESHOT = 0; wait = x:IN" },
	{ "one-shot above",
	  "pair; epoll x; addto x s IN; add x IN|ONESHOT; write c 1; wait = x:IN; "
	  "wait =; mod x IN|ONESHOT = 0; wait = x:IN" },
	{ "added below while waited for",
	  "pair; write c 1; epoll x; add x IN; wait =; addto x s IN; wait = x:IN; delfrom x s; "
	  "wait =" },
	{ "closed below", "pair; write c 1; epoll x; addto x s IN; add x IN; wait = x:IN; close s; "
			  "wait =" },
	{ "an instance that is closed",
	  "pair; write c 1; epoll x; addto x s IN; add x IN; wait = x:IN; close x; wait =" },
	{ "beside a socket, in turn",
	  "pair; write c 1; epoll x; addto x s IN; add x IN; add c OUT; wait = c:OUT x:IN; wait1 = "
	  "*; wait1 = *; wait = c:OUT x:IN" },
	{ "two below",
	  "pair; epoll x; addto x s IN; addto x c OUT; add x IN; waitin x = c:OUT; wait "
	  "= x:IN; delfrom x c; wait =; write c 1; wait = x:IN" },
	{ "three deep",
	  "pair; epoll x; epoll y; addto y s IN; addto x y IN; add x IN; wait =; write "
	  "c 1; wait = x:IN; waitin x = y:IN; waitin y = s:IN; read s 1; wait =" },
	{ "three deep, an edge", "pair; epoll x; epoll y; addto y s IN; addto x y IN; add x IN|ET; "
				 "write c 1; wait = x:IN; "
				 "wait =; write c 1; wait = x:IN" },
	{ "itself", "epoll x; addto x x IN = EINVAL" },
	{ "in a circle", "epoll x; epoll y; addto x y IN = 0; addto y x IN = ELOOP" },
	{ "too deep",
	  "epoll a; epoll b; epoll d; epoll f; epoll g; addto a b IN = 0; addto b d IN = "
	  "0; addto d f IN = 0; addto f g IN = 0; add a IN = ELOOP" },
	{ "deep enough", "epoll a; epoll b; epoll d; epoll f; addto a b IN = 0; addto b d IN = 0; "
			 "addto d f IN = 0; add a IN = 0" },
	{ "exclusive is for files", "epoll x; add x IN|EXCLUSIVE = EINVAL" },
	{ "an instance by poll",
	  "pair; epoll x; addto x s IN; poll x = 0; write c 1; wait =; poll x "
	  "= 1; read s 1; poll x = 0" },
	/* ---- low-water mark ---- */
	{ "too little to be readable",
	  "pair; lowat s 10; add s IN; write c 9; wait =; write c 1; wait = s:IN" },
	{ "the end beats the mark",
	  "pair; lowat s 10; add s IN; write c 3; wait =; shut c WR; wait = s:IN" },
};

static const struct row kqueue_rows[] = {
	/* ---- reading and writing ---- */
	{ "bytes to read", "pair; kadd s READ; kwait =; write c 3; kwait = s:READ=3; kwait = "
			   "s:READ=3; read s 3; kwait =" },
	{ "fewer after a read", "pair; write c 5; kadd s READ; read s 2; kwait = s:READ=3" },
	{ "two filters, two events",
	  "pair; write c 1; kadd s READ; kadd s WRITE; kwait = s:READ=1 s:WRITE" },
	{ "full", "pair; fill c; kadd c WRITE; kwait =; drain s; kwait = c:WRITE" },
	{ "one at a time, in turn", "pair; kadd s WRITE; kadd c WRITE; kwait1 = s:WRITE; kwait1 = "
				    "c:WRITE; kwait1 = s:WRITE" },
	{ "connections that wait",
	  "listen l; kadd l READ; kwait =; tcp x; connect x; kwait = l:READ=1; tcp y; connect y; "
	  "sleep 2; kwait = l:READ=2; accept l s; kwait = l:READ=1" },
	{ "a datagram's bytes",
	  "udp u v; kadd v READ; write u 5; kwait = v:READ=5; read v 9; kwait =" },
	/* ---- EV_CLEAR ---- */
	{ "clear: told once", "pair; kadd s READ|CLEAR; write c 3; kwait = s:READ=3; kwait =" },
	{ "clear: again when more comes", "pair; kadd s READ|CLEAR; write c 3; kwait = s:READ=3; "
					  "write c 2; kwait = s:READ=5; kwait =" },
	{ "clear: room after fullness", "pair; kadd c WRITE|CLEAR; kwait = c:WRITE; fill c; kwait "
					"=; drain s; kwait = c:WRITE; kwait =" },
	/* ---- EV_ONESHOT, EV_DISPATCH, EV_DISABLE ---- */
	{ "one-shot: gone once told",
	  "pair; kadd s READ|ONESHOT; write c 1; kwait = s:READ; kwait =; kdel s READ = ENOENT" },
	{ "dispatch: disabled once told", "pair; kadd s READ|DISPATCH; write c 1; kwait = s:READ; "
					  "kwait =; kenable s READ; kwait = s:READ; kwait =" },
	{ "disabled: silent",
	  "pair; kadd s READ|DISABLE; write c 1; kwait =; kenable s READ = 0; kwait = s:READ" },
	{ "disable and enable", "pair; kadd s READ; write c 1; kwait = s:READ; kdisable s READ; "
				"kwait =; kenable s READ; kwait = s:READ" },
	{ "add enables",
	  "pair; kadd s READ; write c 1; kdisable s READ; kwait =; kadd s READ; kwait = s:READ" },
	/* ---- the end ---- */
	{ "end of stream",
	  "pair; kadd s READ; shut c WR; kwait = s:READ|EOF=0; kwait = s:READ|EOF=0" },
	{ "data and the end", "pair; kadd s READ; write c 3; shut c WR; sleep 2; kwait = "
			      "s:READ|EOF=3; read s 3; kwait = s:READ|EOF=0" },
	{ "the end once with clear",
	  "pair; kadd s READ|CLEAR; shut c WR; kwait = s:READ|EOF; kwait =" },
	{ "reset ends both", "pair; kadd s READ; kadd s WRITE; kwait = s:WRITE; reset c; kwait = "
			     "s:READ|EOF s:WRITE|EOF" },
	{ "own end of writing", "pair; kadd s WRITE; shut s WR; kwait = s:WRITE|EOF" },
	{ "refused", "listen l; tcp x; kadd x WRITE; connect x nobody; kwait = x:WRITE|EOF" },
	{ "connected", "listen l; tcp x; connect x; kadd x WRITE; kwait = x:WRITE" },
	{ "close ends the registration", "pair; kadd s WRITE; close s; kwait =" },
	/* ---- registrations ---- */
	{ "added twice, told as at first", "pair; write c 1; kadd s READ|CLEAR = 0; kwait = "
					   "s:READ; kadd s READ = 0; kwait = s:READ; kwait =" },
	{ "deleting what is not there", "pair; kdel s READ = ENOENT; kenable s READ = ENOENT" },
	{ "nobody's number", "tcp x; dup x y; close y; kadd y READ = EBADF" },
	/* ---- in an epoll instance ---- */
	{ "a kqueue is readable when it has events", "pair; kqueue x; kadd s READ; add x IN; wait "
						     "=; write c 1; wait = x:IN; kwait = s:READ=1; "
						     "wait = x:IN; read s 1; wait =" },
	{ "each of its arrivals is an edge", "pair; kqueue x; kadd s READ; add x IN|ET; write c 1; "
					     "wait = x:IN; wait =; write c 1; wait "
					     "= x:IN; wait =" },
	{ "its timers too",
	  "kqueue x; ktimer 5 ms; add x IN|ET; wait =; sleep 6; wait = x:IN; wait "
	  "=; kwait = a:TIMER=1; sleep 6; wait = x:IN" },
	{ "and its user events", "kqueue x; kuser 7 CLEAR; add x IN; poll x = 0; ktrigger 7 CLEAR; "
				 "wait = x:IN; poll x = 1; kwait = a:USER; wait =" },
	/* ---- a kqueue or an epoll instance in a kqueue ---- */
	{ "a kqueue in it is readable when it has events",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ; kwait =; write c 1; kwait = x:READ=1; "
	  "kwaitin x = s:READ=1; kwait = x:READ=1; read s 1; kwait =" },
	{ "also when it had them before, in it",
	  "pair; write c 1; newkqueue x; kaddto x s READ; kadd x READ; kwait = x:READ=1" },
	{ "it tells how many",
	  "pair; newkqueue x; kaddto x s READ; kaddto x c WRITE; write c 1; kadd x READ; kwait = "
	  "x:READ=2; kdelfrom x s READ; kwait = x:READ=1" },
	{ "clear: each arrival below is told once",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ|CLEAR; write c 1; kwait = x:READ; kwait "
	  "=; write c 1; kwait = x:READ; kwait =" },
	{ "adding again looks again",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ|CLEAR; write c 1; kwait = x:READ; kwait "
	  "=; kadd x READ|CLEAR = 0; kwait = x:READ; kwait =" },
	{ "what was taken below is gone",
	  "pair; newkqueue x; kaddto x s READ|CLEAR; kadd x READ; write c 1; kwait = x:READ; kwait "
	  "= "
	  "x:READ; kwaitin x = s:READ; kwait =; write c 1; kwait = x:READ" },
	{ "one-shot in it", "pair; newkqueue x; kaddto x s READ|ONESHOT; kadd x READ; write c 1; "
			    "kwaitin x = s:READ; kwait =; kaddto x s READ|ONESHOT = 0; kwait = "
			    "x:READ" },
	{ "one-shot above it",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ|ONESHOT; write c 1; "
	  "kwait = x:READ; kwait =; kdel x READ = ENOENT" },
	{ "dispatch above it",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ|DISPATCH; write c 1; "
	  "kwait = x:READ; kwait =; kenable x READ = 0; kwait = x:READ" },
	{ "disabled above it",
	  "pair; newkqueue x; kaddto x s READ; kadd x READ|DISABLE; write c 1; "
	  "kwait =; kenable x READ; kwait = x:READ" },
	{ "added to it while waited for",
	  "pair; write c 1; newkqueue x; kadd x READ; kwait =; kaddto x s READ; kwait = x:READ; "
	  "kdelfrom x s READ; kwait =" },
	{ "closed in it", "pair; write c 1; newkqueue x; kaddto x s READ; kadd x READ; kwait = "
			  "x:READ; close s; kwait =" },
	{ "a kqueue that is closed",
	  "pair; write c 1; newkqueue x; kaddto x s READ; kadd x READ; kwait = "
	  "x:READ; close x; kwait =" },
	{ "it, beside a socket, in turn",
	  "pair; write c 1; newkqueue x; kaddto x s READ; kadd x READ; kadd c WRITE; kwait = "
	  "c:WRITE x:READ; kwait1 = *; kwait1 = *; kwait = c:WRITE x:READ" },
	{ "three kqueues deep",
	  "pair; newkqueue x; newkqueue y; kaddto y s READ; kaddto x y READ; kadd x READ; kwait =; "
	  "write c 1; kwait = x:READ; kwaitin x = y:READ; kwaitin y = s:READ; read s 1; kwait =" },
	{ "three kqueues deep, with clear",
	  "pair; newkqueue x; newkqueue y; kaddto y s READ; kaddto x y READ; kadd x READ|CLEAR; "
	  "write c 1; kwait = x:READ; kwait =; write c 1; kwait = x:READ; kwait =" },
	{ "a kqueue in itself", "newkqueue x; kaddto x x READ = EINVAL" },
	{ "kqueues in a circle",
	  "newkqueue x; newkqueue y; kaddto x y READ = 0; kaddto y x READ = ELOOP" },
	{ "kqueues too deep",
	  "newkqueue a; newkqueue b; newkqueue d; newkqueue f; newkqueue g; kaddto a b READ = 0; "
	  "kaddto b d READ = 0; kaddto d f READ = 0; kaddto f g READ = 0; kadd a READ = ELOOP" },
	{ "kqueues too deep from above",
	  "newkqueue a; newkqueue b; newkqueue d; newkqueue f; newkqueue g; kadd a READ = 0; "
	  "kaddto a b READ = 0; kaddto b d READ = 0; kaddto d f READ = 0; "
	  "kaddto f g READ = ELOOP" },
	/* epoll as Linux since 6.17, which a test cannot ask of any kernel */
	{ "too deep from above",
	  "epoll a; epoll b; epoll d; epoll f; epoll g; add a IN = 0; addto a b IN = 0; addto b d "
	  "IN = 0; addto d f IN = 0; addto f g IN = ELOOP; delfrom a b; addto f g IN = 0" },
	{ "too deep in the middle",
	  "epoll a; epoll b; epoll d; epoll f; epoll g; epoll h; addto a b IN = 0; addto b d IN = "
	  "0; addto f g IN = 0; addto g h IN = 0; addto d f IN = ELOOP; addto b f IN = 0" },
	{ "a kqueue is never writable", "newkqueue x; kadd x WRITE = EINVAL" },
	{ "a kqueue that nobody added", "newkqueue x; kdel x READ = ENOENT" },
	{ "an epoll instance in a kqueue", "pair; epoll x; addto x s IN; kadd x READ; kwait =; "
					   "write c 1; kwait = x:READ=1; waitin x "
					   "= s:IN; kwait = x:READ=1; read s 1; kwait =" },
	{ "an epoll instance in a kqueue, with clear",
	  "pair; epoll x; addto x s IN; kadd x READ|CLEAR; write c 1; kwait = x:READ; kwait =; "
	  "write c 1; kwait = x:READ; kwait =" },
	{ "a kqueue in an epoll instance in a kqueue",
	  "pair; newkqueue y; kaddto y s READ; epoll x; addto x y IN; kadd x READ; kwait =; write "
	  "c "
	  "1; kwait = x:READ; waitin x = y:IN; kwaitin y = s:READ; read s 1; kwait =" },
	{ "and round in a circle",
	  "newkqueue y; epoll x; addto x y IN = 0; kaddto y x READ = ELOOP" },
	/* ---- timers and user events ---- */
	{ "a timer goes on", "ktimer 5 ms; kwait =; sleep 6; kwait = a:TIMER=1; kwait =; sleep 10; "
			     "kwait = a:TIMER=2" },
	{ "a timer once", "ktimer 5 ms ONESHOT; sleep 6; kwait = a:TIMER=1; sleep 11; kwait =" },
	{ "microseconds", "ktimer 500 us ONESHOT; kwait = a:TIMER=1" },
	{ "user events", "kuser 7; kwait =; ktrigger 7; kwait = a:USER; kwait = a:USER" },
	{ "user events with clear", "kuser 7 CLEAR; ktrigger 7 CLEAR; kwait = a:USER; kwait =; "
				    "ktrigger 7 CLEAR; kwait = a:USER" },
};

/* ---- the kernel ---- */

static const struct script_calls kernel = {
	.socket = socket,
	.bind = bind,
	.listen = listen,
	.connect = connect,
	.accept4 = accept4,
	.getsockname = getsockname,
	.setsockopt = setsockopt,
	.shutdown = shutdown,
	.close = close,
	.dup = dup,
	.read = read,
	.send = send,
	.poll = poll,
	.epoll_create1 = epoll_create1,
	.epoll_ctl = epoll_ctl,
	.epoll_wait = epoll_wait,
};

/* ---- the stack ---- */

static int own_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return ff_bind(fd, (const struct linux_sockaddr *)(const void *)addr, len);
}

static int own_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return ff_connect(fd, (const struct linux_sockaddr *)(const void *)addr, len);
}

static int own_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return ff_accept4(fd, (struct linux_sockaddr *)(void *)addr, len, flags);
}

static int own_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return ff_getsockname(fd, (struct linux_sockaddr *)(void *)addr, len);
}

static const struct script_calls stack = {
	.socket = ff_socket,
	.bind = own_bind,
	.listen = ff_listen,
	.connect = own_connect,
	.accept4 = own_accept4,
	.getsockname = own_getsockname,
	.setsockopt = ff_setsockopt,
	.shutdown = ff_shutdown,
	.close = ff_close,
	.dup = ff_dup,
	.read = ff_read,
	.send = ff_send,
	.poll = ff_poll,
	.epoll_create1 = ff_epoll_create1,
	.epoll_ctl = ff_epoll_ctl,
	.epoll_wait = ff_epoll_wait,
	.kqueue = ff_kqueue,
	.kevent = ff_kevent,
};

/* ---- tests ---- */

static void on_kernel(void **state)
{
	script_run(&kernel, ((const struct row *)*state)->script);
}

static void on_stack(void **state)
{
	const struct row *row = *state;
	void *world;

	assert_int_equal(api_setup(&world), 0);
	script_run(&stack, row->script);
	assert_int_equal(api_teardown(&world), 0);
}

enum {
	N_EPOLL = sizeof(epoll_rows) / sizeof(epoll_rows[0]),
	N_KQUEUE = sizeof(kqueue_rows) / sizeof(kqueue_rows[0]),
	N_TESTS = 2 * N_EPOLL + N_KQUEUE,
};

static void add_test(struct CMUnitTest *test, const char *prefix, const struct row *row,
		     CMUnitTestFunction fn)
{
	static char names[N_TESTS][96];
	static int n;

	snprintf(names[n], sizeof(names[n]), "%s: %s", prefix, row->name);
	*test = (struct CMUnitTest){
		.name = names[n++],
		.test_func = fn,
		.initial_state = (void *)(uintptr_t)row,
	};
}

int main(void)
{
	struct CMUnitTest tests[N_TESTS];
	int n = 0;

	_Static_assert(N_EPOLL >= 60, "what the kernel is asked");
	for (int i = 0; i < N_EPOLL; i++) {
		add_test(&tests[n++], "epoll, kernel", &epoll_rows[i], on_kernel);
		add_test(&tests[n++], "epoll, stack", &epoll_rows[i], on_stack);
	}
	for (int i = 0; i < N_KQUEUE; i++)
		add_test(&tests[n++], "kqueue", &kqueue_rows[i], on_stack);
	return cmocka_run_group_tests_name("scripts", tests, NULL, NULL);
}
