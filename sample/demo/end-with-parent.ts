// Preloaded into every process that a demo starts, so that they end with the demo, however it ends.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
