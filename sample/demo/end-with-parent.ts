// Preloaded into every process that a demo starts: when the demo is gone, however it went, they end too.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
