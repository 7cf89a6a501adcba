<?= getenv('GREETING'), "\n";
