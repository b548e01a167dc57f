import { describeFairWithRedisson } from './fair-suite.js';

describeFairWithRedisson('a cluster');
