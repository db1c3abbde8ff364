require('./suite.cjs').run((name) => require(name), require.main.filename);
