import { describeFairWithRedisson } from './fair-suite.js';

describeFairWithRedisson('one Redis');
