/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines of the application: a level per type and a global one, to a stream of the
 * application's, to the file of [log] dir, or to stderr. DPDK's own messages keep their own way
 * (--log-level, [dpdk] log_level).
 */
#include "ff_log.h"

#include <errno.h>
#include <limits.h>

#include "ff_config.h"

#include "api/zs_fd.h"
#include "base/zs_api.h"

enum { N_TYPES = FF_LOGTYPE_FIRST_EXT_ID };

static struct {
	FILE *stream; /* of the application; NULL = file, or stderr */
	FILE *file;   /* ours */
	uint32_t level;
	uint8_t type_level[N_TYPES]; /* 0 = as the global level */
	uint32_t off;		     /* bit per type: FF_LOG_DISABLE was set */
} logs = { .level = FF_LOG_INFO };

ZS_API int ff_log_open_set(void)
{
	char path[PATH_MAX];
	FILE *f;

	if (ff_global_cfg.log.level > 0)
		logs.level = (uint32_t)ff_global_cfg.log.level;
	if (ff_global_cfg.log.dir == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/zstack-%d.log", ff_global_cfg.log.dir,
		 ff_global_cfg.dpdk.proc_id);
	f = fopen(path, "a");
	if (f == NULL)
		return -1;
	ff_log_close();
	logs.file = f;
	return 0;
}

ZS_API void ff_log_close(void)
{
	if (logs.file != NULL)
		fclose(logs.file);
	logs.file = NULL;
}

ZS_API int ff_openlog_stream(FILE *f)
{
	logs.stream = f;
	return 0;
}

ZS_API int ff_log_reset_stream(void *f)
{
	return ff_openlog_stream(f);
}

ZS_API void ff_log_set_global_level(uint32_t level)
{
	logs.level = level;
}

ZS_API int ff_log_set_level(uint32_t logtype, uint32_t level)
{
	if (logtype >= N_TYPES || level > FF_LOG_MAX)
		return (int)ff_ret(-EINVAL);
	logs.type_level[logtype] = (uint8_t)level;
	if (level == FF_LOG_DISABLE)
		logs.off |= 1u << logtype;
	else
		logs.off &= ~(1u << logtype);
	return 0;
}

static bool wanted(uint32_t level, uint32_t logtype)
{
	if (logtype >= N_TYPES || level > logs.level || (logs.off & (1u << logtype)))
		return false;
	return logs.type_level[logtype] == 0 || level <= logs.type_level[logtype];
}

ZS_API int ff_vlog(uint32_t level, uint32_t logtype, const char *format, va_list ap)
{
	FILE *f = logs.stream != NULL ? logs.stream : logs.file != NULL ? logs.file : stderr;
	int n;

	if (!wanted(level, logtype))
		return 0;
	n = vfprintf(f, format, ap);
	fflush(f);
	return n;
}

ZS_API int ff_log(uint32_t level, uint32_t logtype, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = ff_vlog(level, logtype, format, ap);
	va_end(ap);
	return n;
}
