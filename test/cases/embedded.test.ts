import { describeCases } from './describe-cases.js';

describeCases('embedded', { options: () => ({}), time: 'manual', shared: false });
